"""A checkup, and an audit, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from sosie.cli.tables import SEVERITY_STYLE, console, counted, grid

if TYPE_CHECKING:
    from sosie.audit import Audit
    from sosie.audit.copying import CopyAudit, Copying, Counterfactual
    from sosie.audit.copying.cliques import StrangerAudit
    from sosie.audit.copying.rights import Row
    from sosie.core.terms import Language
    from sosie.doctor import Checkup, Finding
    from sosie.registry.mends import Mended
    from sosie.studio.mending import Mending, Offer, Undone
    from sosie.studio.resembling import Looked

VERDICT_STYLE = {"ready": "bold green", "needs attention": "bold yellow", "blocked": "bold red"}
STATE_STYLE = {
    "passed": "green",
    "failed": "bold red",
    "unsure": "yellow",
    "not measured": "yellow",
}
SHOWN = 3
"""File names of one finding; the page and the JSON have them all."""
WIDEST = 88
"""Columns of a finding's lines: longer ones are hard to follow back."""


def checkup(found: Checkup, language: Language) -> None:
    """The verdict, the findings, what could not be looked at, and the proposal."""
    from sosie.doctor import told, wording

    out, page = console(), wording.page(language)
    verdict = Text(page["verdict"][found.verdict].lower(), VERDICT_STYLE[found.verdict])
    out.print(Text.assemble(f"{found.subject}: {_pictures(found.pictures, language)}, ", verdict))
    for heading, findings in told.parts(found):
        out.print()
        out.print(Text(page[heading], "bold underline"))
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 1, 0))
        table.add_column(no_wrap=True)
        table.add_column(max_width=WIDEST, overflow="fold")
        for finding in findings:
            state = "dismissed" if finding.dismissed else finding.severity
            style = SEVERITY_STYLE.get(state, "dim")
            told_as = page["severity"].get(state, page["dismissed"])
            table.add_row(Text(told_as, style), _finding(found, finding, language))
        out.print(table)
    _not_examined(found, language)
    _proposal(found, language)


def _finding(found: Checkup, finding: Finding, language: Language) -> Group:
    """What a finding says, what mends it, the pictures, and by what to name it: a line each."""
    from sosie.doctor import wording
    from sosie.doctor.page import measured

    names = _names(found, finding.samples, language)
    by_name = (measured(finding, language), finding.rule, finding.id, *_advisory(finding, language))
    return Group(
        Text(wording.title(finding, language), "bold"),
        Text(wording.advice(finding, language)),
        *_mend(found.subject, finding),
        *([Text(names)] if names else []),
        Text(" · ".join(filter(None, by_name)), "dim"),
    )


def _pictures(count: int, language: Language) -> str:
    """ "1 picture", "3 pictures", in the reader's language."""
    from sosie.doctor import wording

    forms = wording.page(language)["terminal"]["pictures"]
    form: str = forms["one" if count == 1 else "many"]
    return form.format(count=count)


def _advisory(finding: Finding, language: Language) -> list[str]:
    """A word where the rule was measured and found wanting."""
    from sosie.doctor import table, wording

    advisory = table.rule(finding.rule).advisory
    return [wording.page(language)["terminal"]["advisory"]] if advisory else []


def audited(found: Audit | CopyAudit | StrangerAudit) -> None:
    """An audit of a LoRA: of its likeness, or of its copying."""
    from sosie.audit import Audit
    from sosie.audit.copying import frontier
    from sosie.audit.copying.cliques import StrangerAudit
    from sosie.audit.copying.page import called, of, tally

    if isinstance(found, Audit):
        audit(found)
        return
    if isinstance(found, StrangerAudit):
        _stranger(found)
        return
    copying(found.copying, found.rights, whole=found)
    out = console()
    out.print()
    table = grid("asked by", "reproduce one", "share", "at most", "base alone")
    for rate in found.copying.by_probe:
        share = of(rate.reproduced), f"{rate.upper_bound:.2%}"
        table.add_row(rate.probe, tally(rate.reproduced), *share, tally(rate.base))
    out.print(table)
    if len(found.tried) > 1:
        table = grid("tried", "likeness", "reproduce one", "")
        for one, best in zip(found.tried, frontier(found.tried), strict=True):
            name = called(one)
            like = "–" if one.likeness is None else f"{one.likeness:.0%}"
            table.add_row(Text(name, "bold" if best else ""), like, of(one.reproduced), one.verdict)
        out.print(table)
    if found.counterfactual is not None:
        _left_out(found.counterfactual)
    for mend in found.mends:
        out.print(Text(mend, "cyan"))


def _stranger(found: StrangerAudit) -> None:
    """Whether a LoRA whose pictures nobody knows repeats itself."""
    from sosie.audit.copying.page import of, tally

    out = console()
    out.print(Text.assemble("repeats: ", Text(found.verdict, STATE_STYLE[found.verdict])))
    for reason in found.reasons:
        out.print(reason)
    out.print()
    table = grid("asked by", "repeated", "share", "base alone", "variety")
    for row in found.repeating.by_probe:
        variety = "–" if row.variety is None else f"{row.variety.value:.2f}"
        share = tally(row.repeated), of(row.repeated)
        table.add_row(row.probe, *share, tally(row.base), variety)
    out.print(table)
    for clique in found.repeating.cliques[:SHOWN]:
        out.print(f"one picture from {len(clique.pictures)} seeds: {', '.join(clique.probes)}")


def _left_out(found: Counterfactual) -> None:
    """What training without a picture changed, of the shots that it changed most for."""
    from sosie.audit.copying.page import of, points, tally

    out = console()
    out.print()
    table = grid("taught against left out", "loss, points", "p", "came back, taught", "left out")
    for shot in found.shots[:SHOWN]:
        p = "–" if shot.p is None else f"{shot.p:.2f}"
        table.add_row(shot.name, points(shot.loss), p, tally(shot.taught), tally(shot.left_out))
    mean = Text(f"mean of {len(found.shots)} shots", "bold")
    table.add_row(mean, points(found.loss), "", of(found.taught), of(found.left_out))
    out.print(table)


def audit(found: Audit) -> None:
    """The verdict, the choice, the figures, and what could not be measured."""
    from sosie.audit.page import told

    out = console()
    verdict = Text(found.verdict, STATE_STYLE[found.verdict])
    out.print(Text.assemble(f"{found.adapter}: ", verdict))
    choice = found.choice
    out.print(f"step {choice.step} at strength {choice.strength:g}: {choice.why}")
    if found.averaged is not None:
        out.print(f"its weights: {'averaged' if found.averaged else 'not averaged'}")
    use = f"<lora:{found.adapter}@{choice.step}:{choice.strength:g}>"
    out.print(f'in a prompt: "{use}"')
    if found.elsewhere:
        out.print(Text(found.elsewhere, "yellow"))
    out.print()
    table = grid("figure", "judge", "", "95% interval", "must be", "")
    for figure in found.figures:
        row = told(figure)
        state = Text("" if row.state == "told" else row.state, STATE_STYLE.get(row.state, ""))
        mend = [Text(row.mend, "cyan")] if row.mend else []
        table.add_row(
            Group(Text(row.title), *mend), row.judge, row.value, row.interval, row.bound, state
        )
    out.print(table)
    for entry in found.not_measured:
        how = f" {entry.mend}" if entry.mend else ""
        out.print(Text(f"not measured: {entry.what}: {entry.why}{how}", "yellow"))
    held = found.held
    if held.leaked or held.gone:
        out.print(
            Text(
                f"of {held.withheld} withheld pictures, {len(held.leaked)} nearly equal a taught "
                f"one and {held.gone} are no longer on file: nothing is judged by them",
                "yellow",
            )
        )
    if held.taught_gone:
        said = f"{held.taught_gone} taught pictures are no longer on file: whether these are "
        out.print(Text(f"{said}repeated was not seen", "yellow"))
    out.print()


def copying(found: Copying, rights: Sequence[Row], *, whole: CopyAudit | None = None) -> None:
    """The verdict, how often what was copied, by whose rights, and what limits the figures; the
    verdict of the `whole` where a LoRA was asked."""
    from sosie.audit.copying.page import SAID, of

    out, judged = console(), whole or found
    out.print(Text.assemble("copies: ", Text(judged.verdict, STATE_STYLE[judged.verdict])))
    for reason in judged.reasons:
        out.print(reason)
    out.print()
    table = grid("", "share", "of")
    rows = [
        ("generated pictures that reproduce one", found.reproduced),
        ("pictures that were reproduced", found.pictures),
        ("shots that were reproduced", found.by_cluster),
        *((f"copied: {said}", found.by_kind[kind]) for kind, said in SAID.items()),
    ]
    for what, share in rows:
        table.add_row(what, of(share), str(share.n))
    out.print(table)
    for match in found.matches[:SHOWN]:
        out.print(f"{match.made}: {SAID[match.kind]} of {match.reference}")
    if len(found.matches) > SHOWN:
        out.print(f"and {len(found.matches) - SHOWN} more: --page shows them")
    if any(row.status != "unknown" and row.references for row in rights):
        out.print()
        table = grid("rights", "shots", "reproduced", "share of the reproduced")
        for row in rights:
            table.add_row(row.status, str(row.references), str(row.reproduced), of(row.share))
        out.print(table)
    for name in found.leaked:
        out.print(Text(f"{name} is held out and nearly equals a reference: not used", "yellow"))
    for line in (*found.unreadable, *found.remarks):
        out.print(Text(line, "yellow"))


def resemblances(looked: Looked) -> None:
    """Whom a picture looks like, and how often a stranger's does."""
    from sosie.audit.copying.page import of
    from sosie.audit.resemblance import LISTED, needed_people

    out, found = console(), looked.resemblances
    table = grid("person", "cosine", "nearest picture", "two others score as high", "")
    for one in found.found[:LISTED]:
        said = Text("alike", "bold") if one.alike else Text("a stranger may be as like", "dim")
        table.add_row(
            one.name, f"{one.cosine:.2f}", looked.pictures[one.name], of(one.false_matches), said
        )
    out.print(table)
    if not any(one.alike for one in found.found) and found.supported:
        among = "nobody of those it was compared with" if looked.left_out else "nobody"
        out.print(
            f"It resembles {among}: a stranger's picture matches somebody as well more often than "
            f"{found.rate:.1%}."
        )
    if not found.supported:
        out.print(
            Text(
                f"{found.people} people on file cannot show a false-match rate of "
                f"{found.rate:.1%} for {counted(found.faces, 'face')}: that takes "
                f"{needed_people(found.rate, found.faces)}.",
                "yellow",
            )
        )
    for line in looked.left_out:
        out.print(Text(line, "yellow"))


def _mend(subject: str, finding: Finding) -> list[Text]:
    """The command that answers a finding, if there is one."""
    if finding.mend is None:
        return []
    return [Text(f"sosie mend {subject} {finding.mend}", "cyan")]


def mending(done: Mending) -> None:
    """What became of every picture that was to be mended."""
    out = console()
    table = grid("picture", "mend", "what was done", "identity", "shape")
    for step in done.steps:
        face = ("–", "–") if step.identity is None else (f"{step.identity:.2f}", f"{step.shape}%")
        said = Text(f"not mended: {step.said}" if step.refused else step.said)
        said.stylize("yellow" if step.refused else "")
        table.add_row(step.file_name, step.mend, said, *face)
    if done.steps:
        out.print(table)
    made = [step for step in done.steps if not step.refused]
    for what in dict.fromkeys(step.recaption for step in made if step.recaption):
        files = dict.fromkeys(step.file_name for step in made if step.recaption == what)
        out.print(f"look at the captions of {', '.join(files)}: they may still name {what}")
    for sheet in done.sheets:
        out.print(f"before and after: {sheet}")
    if done.sheets:
        out.print("Nothing on file was changed.")
    elif made:
        pictures = counted(len({step.file_name for step in made}), "picture")
        out.print(f"{pictures} mended. Originals back: sosie mend {done.subject} --undo all")
    else:
        out.print("Nothing was mended.")


def undone(entries: Sequence[Undone]) -> None:
    """What was taken back."""
    out = console()
    for entry in entries:
        out.print(f"{entry.file_name}: {entry.mend} taken back")


def offers(rows: Sequence[Offer], log: Sequence[Mended]) -> None:
    """The mends there are, where they are asked for, and what was mended."""
    out = console()
    table = grid("mend", "", "what it does", "asked for")
    for row in rows:
        asked = ", ".join(row.pictures[:SHOWN])
        more = len(row.pictures) - SHOWN
        asked += f" and {more} more" if more > 0 else ""
        table.add_row(row.mend, "safe" if row.safe else "", row.what, asked or "–")
    out.print(table)
    if log:
        out.print()
    for entry in log:
        state = f", taken back {entry.undone[:10]}" if entry.undone else ""
        out.print(f"{entry.at[:10]} {entry.file_name}: {entry.mend}{state}")


def _names(found: Checkup, samples: Sequence[str], language: Language) -> str:
    """File names, the first few."""
    from sosie.doctor import wording

    shown = [found.names[sample] for sample in samples[:SHOWN]]
    if len(samples) > SHOWN:
        more: str = wording.page(language)["terminal"]["more"]
        shown.append(more.format(count=len(samples) - SHOWN))
    return ", ".join(shown)


def _not_examined(found: Checkup, language: Language) -> None:
    """Grouped by reason: one missing package silences many rules."""
    from sosie.doctor import wording

    out, words = console(wrap=True), wording.page(language)["terminal"]
    by_reason: dict[tuple[str, int], list[str]] = {}
    for entry in found.not_examined:
        by_reason.setdefault((entry.reason, len(entry.samples)), []).append(entry.rule)
    if by_reason:
        out.print()
    for (reason, pictures), rules in by_reason.items():
        line = words["not_examined"].format(
            where=_pictures(pictures, language) if pictures else words["all_pictures"],
            rules=", ".join(rules),
            reason=wording.reason(reason, language),
        )
        out.print(Text(line, "yellow"))


def _proposal(found: Checkup, language: Language) -> None:
    from sosie.doctor import wording

    out, proposal, page = console(wrap=True), found.proposal, wording.page(language)
    out.print()
    why = {left.sample: ", ".join(left.rules) or page["enough"] for left in proposal.left_out}
    for what, samples in (
        ("train", proposal.train),
        ("hold_out", proposal.hold_out),
        ("left_out", tuple(why)),
    ):
        if samples:
            named = (
                f"{found.names[sample]} ({why[sample]})" if sample in why else found.names[sample]
                for sample in samples
            )
            line = page["terminal"][what].format(count=len(samples), names=", ".join(named))
            out.print(line)
    out.print(Text(page["terminal"]["passed"].format(count=len(found.passed)), "dim"))
