"""The evidence line is made of recorded facts; what nobody recorded reads "not stated"."""

import pytest

from research.evidence import Design, Facts, evidence_line

UNKNOWN = "diagnostic criteria: not stated; post-exertional malaise: not stated"


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (
            Facts(),
            f"Design not stated; patients not stated, controls not stated; {UNKNOWN}; "
            "peer review not stated; funding: not stated.",
        ),
        (
            Facts(
                design="case-control",
                patients=24,
                controls=24,
                criteria="ACR 2010",
                malaise="no",
                reviewed="peer-reviewed",
                funding="none declared",
            ),
            "Case-control study; 24 patients, 24 controls; diagnostic criteria: ACR 2010; "
            "post-exertional malaise: not required; peer reviewed; funding: none declared.",
        ),
        (
            Facts(design="rct", patients=37_143, malaise="yes", reviewed="preprint"),
            "Randomised controlled trial; 37,143 patients; diagnostic criteria: not stated; "
            "post-exertional malaise: required; preprint, not peer reviewed; "
            "funding: not stated.",
        ),
        (
            Facts(design="cross-sectional", patients=1, controls=0),
            f"Cross-sectional study; 1 patient, no controls; {UNKNOWN}; "
            "peer review not stated; funding: not stated.",
        ),
        (
            Facts(design="rct", patients=20, controls=1),
            f"Randomised controlled trial; 20 patients, 1 control; {UNKNOWN}; "
            "peer review not stated; funding: not stated.",
        ),
        (
            Facts(design="animal", patients=8, reviewed="peer-reviewed"),
            "Animal study; not in people; peer reviewed; funding: not stated.",
        ),
        (
            Facts(design="protocol", criteria="CCC"),
            "Protocol, no results yet; peer review not stated; funding: not stated.",
        ),
        (
            Facts(design="meta-analysis"),
            f"Meta-analysis; patients not stated; {UNKNOWN}; "
            "peer review not stated; funding: not stated.",
        ),
    ],
)
def test_the_line_says_what_is_known_and_what_is_not(facts: Facts, line: str) -> None:
    assert evidence_line(facts) == line


@pytest.mark.parametrize("design", ["", *Design.values])
def test_no_design_leaves_a_gap_in_the_line(design: str) -> None:
    line = evidence_line(Facts(design=design))
    assert line.endswith(".")
    assert "; ;" not in line
    assert "None" not in line
    assert "funding: not stated" in line
