"""XMP in a picture survives a plain read; whatever a stranger wrote there does no harm."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from sosie.rights import xmp

RDF = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/"><rdf:Description>{}</rdf:Description>'
    "</rdf:RDF></x:xmpmeta>"
)


def test_a_plain_read_of_the_picture_finds_it() -> None:
    packet = xmp.packet(source_type=xmp.SYNTHETIC, data_mining=xmp.NO_TRAINING)
    chunks, file = PngImagePlugin.PngInfo(), io.BytesIO()
    chunks.add_itxt("XML:com.adobe.xmp", packet)
    Image.new("RGB", (16, 16)).save(file, "PNG", pnginfo=chunks)
    with Image.open(file) as image:
        assert xmp.read(image.info["xmp"]) == (xmp.SYNTHETIC, xmp.NO_TRAINING)
    assert xmp.mining_told(xmp.NO_TRAINING) == "training AI with it is prohibited"


@pytest.mark.parametrize(
    "property_",
    [
        "<plus:DataMining>DMI-ALLOWED</plus:DataMining>",
        '<plus:DataMining rdf:resource="DMI-ALLOWED"/>',
    ],
)
def test_other_ways_of_writing_are_read(property_: str) -> None:
    assert xmp.read(RDF.format(property_)) == (None, "DMI-ALLOWED")
    assert xmp.read(RDF.format(property_).encode()) == (None, "DMI-ALLOWED")


def test_a_packet_that_would_swell_is_not_opened() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
    assert xmp.read(bomb) == xmp.read("<x/>" + " " * xmp.LARGEST) == (None, None)


@given(st.text(max_size=300) | st.binary(max_size=300))
def test_whatever_is_no_packet_says_nothing(data: str | bytes) -> None:
    assert xmp.read(data) == (None, None)


@given(st.text("aé<>&\"'{}", min_size=1, max_size=20))
def test_any_value_comes_back(value: str) -> None:
    assert xmp.read(xmp.packet(data_mining=value)) == (None, value)


def test_what_is_reserved_is_read_from_the_vocabulary():
    assert [value for value in xmp.MINING if not xmp.reserved(value)] == [
        "DMI-UNSPECIFIED",
        "DMI-ALLOWED",
    ]
    assert xmp.reserved(xmp.NO_TRAINING) and not xmp.reserved(None)
