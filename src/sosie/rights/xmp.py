"""XMP, the two properties of it that speak of rights: how a picture came to be, and whether it may
be mined.

Iptc4xmpExt:DigitalSourceType (IPTC Photo Metadata Standard 2023.1) and plus:DataMining (PLUS
License Data Format 2.0.1), both from closed vocabularies.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

SYNTHETIC = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
NO_TRAINING = "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING"

LARGEST = 1 << 20
"""Bytes; no packet of this size is read."""

MINING = {
    "DMI-UNSPECIFIED": "nothing is said about data mining",
    "DMI-ALLOWED": "data mining is allowed",
    "DMI-PROHIBITED-AIMLTRAINING": "training AI with it is prohibited",
    "DMI-PROHIBITED-GENAIMLTRAINING": "training generative AI with it is prohibited",
    "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING": "data mining is prohibited, but for search",
    "DMI-PROHIBITED": "data mining is prohibited",
    "DMI-PROHIBITED-SEECONSTRAINT": "data mining is prohibited but as its constraints say",
    "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR": "data mining is prohibited but as its rights say",
    "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR": "data mining is prohibited but as rights elsewhere say",
}
"""PLUS's vocabulary in plain words."""

_SOURCE = ("Iptc4xmpExt", "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "DigitalSourceType")
_MINING = ("plus", "http://ns.useplus.org/ldf/xmp/1.0/", "DataMining")
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""{properties}/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


class Said(NamedTuple):
    """What a packet says, as it stands there; None where it says nothing."""

    source_type: str | None
    data_mining: str | None


def packet(*, source_type: str | None = None, data_mining: str | None = None) -> str:
    """An XMP packet that says so much."""
    given = [(_SOURCE, source_type), (_MINING, data_mining)]
    properties = [
        f"\n    xmlns:{prefix}={quoteattr(space)}\n    {prefix}:{name}={quoteattr(value)}"
        for (prefix, space, name), value in given
        if value is not None
    ]
    return _PACKET.format(properties="".join(properties))


def read(packet: str | bytes) -> Said:
    """What any packet says, as attribute, text or reference; nothing if it is no XMP."""
    text = packet if isinstance(packet, str) else packet.decode("utf-8", "replace")
    # A packet has no use for declarations, with which a small text can swell to gigabytes.
    if len(text) > LARGEST or "<!" in text:
        return Said(None, None)
    try:
        tree = ElementTree.fromstring(text.strip("\0 \r\n\t\ufeff"))
    except (ElementTree.ParseError, ValueError):
        return Said(None, None)
    return Said(next(_values(tree, *_SOURCE[1:]), None), next(_values(tree, *_MINING[1:]), None))


def mining_told(value: str) -> str:
    """What a value of plus:DataMining means, in words."""
    return MINING.get(value.rpartition("/")[2], f'data mining: "{value}"')


def reserved(value: str | None) -> bool:
    """Whether a value of plus:DataMining prohibits mining, or training; exceptions that it points
    to elsewhere lift nothing here."""
    return value is not None and value.rpartition("/")[2].startswith("DMI-PROHIBITED")


def _values(tree: ElementTree.Element, space: str, name: str) -> Iterator[str]:
    key = f"{{{space}}}{name}"
    for element in tree.iter():
        if found := element.get(key):
            yield found
        if element.tag == key:
            value = (element.text or "").strip() or element.get(f"{_RDF}resource")
            if value:
                yield value
