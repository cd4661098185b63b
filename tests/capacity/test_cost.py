"""Bills: right to the cent, worked out by hand and against figures of others."""

from __future__ import annotations

import tomllib
from decimal import Decimal

import pytest

from calligram.capacity.cost import bills, growth
from calligram.capacity.levers import LEVERS, savings
from calligram.capacity.sheets import ITEMS, PARTS, sheet_from
from calligram.capacity.traffic import Traffic, traffic_from
from calligram.cli.plan import toml
from calligram.errors import PlanRefused


def flat(item: str, price: str, per: int = 1) -> str:
    return (
        f'[[price]]\nitem = "{item}"\nunit = "one"\nper = {per}\nsource = "by hand, {item}"\n'
        f"tiers = [{{ start = 0, price = {price} }}]\n"
    )


SHEET = (
    'provider = "By hand"\nregion = "here"\ndated = "2026-11-24"\ncurrency = "USD"\n'
    "gigabyte_bytes = 1_000_000_000\n"
    + flat("vcpu_hours", "0.05")
    + """
[[price]]
item = "egress_gb"
unit = "GB"
per = 1
source = "by hand, egress"
tiers = [
    { start = 0, end = 1, price = 0.1 },
    { start = 1, end = 2, price = 0.08 },
    { start = 2, price = 0.05 },
]
"""
    + flat("fill_gb", "0.02")
    + flat("cdn_gb", "0.085")
    + flat("cdn_requests", "0.01", 10_000)
    + flat("storage_gb_months", "0.023")
    + flat("writes", "0.005", 1000)
    + flat("reads", "0.0004", 1000)
    + flat("second_gb_months", "0.023")
    + flat("second_writes", "0.005", 1000)
    + flat("second_transfer_gb", "0.02")
)  # fmt: skip

# 730,000 requests a month: 73,000 uploads, 146,000 draws, 511,000 permanent addresses, of which
# 51,100 miss. An upload is 1 MB with its record, art 10 kB.
TRAFFIC = Traffic(
    requests_per_day=Decimal(24_000),
    upload_share=Decimal("0.1"),
    draw_share=Decimal("0.2"),
    cdn_hit_share=Decimal("0.9"),
    picture_bytes=Decimal(999_600),
    record_bytes=Decimal(400),
    art_bytes=Decimal(10_000),
    vcpus_per_server=Decimal(2),
)

# (item, quantity, amount): worked out on paper.
FIRST_MONTH = [
    ("vcpu_hours", "4380", "219.00"),  # 3 servers x 2 x 730 h x 0.05
    ("egress_gb", "1", "0.10"),  # 219,000 x 10 kB = 2.19 GB: 1 x 0.10
    ("egress_gb", "1", "0.08"),  # and 1 x 0.08
    ("egress_gb", "0.19", "0.01"),  # and 0.19 x 0.05 = 0.0095
    ("fill_gb", "0.511", "0.01"),  # 51,100 x 10 kB x 0.02 = 0.01022
    ("cdn_gb", "5.11", "0.43"),  # 511,000 x 10 kB x 0.085 = 0.43435
    ("cdn_requests", "511000", "0.51"),  # / 10,000 x 0.01 = 0.511
    ("storage_gb_months", "36.5", "0.84"),  # half of 73 GB x 0.023 = 0.8395
    ("writes", "146000", "0.73"),  # / 1,000 x 0.005
    ("reads", "51100", "0.02"),  # / 1,000 x 0.0004 = 0.02044
    ("second_gb_months", "36.5", "0.84"),
    ("second_writes", "146000", "0.73"),
    ("second_transfer_gb", "73", "1.46"),  # x 0.02
]


@pytest.fixture
def sheet():
    return sheet_from(tomllib.loads(SHEET, parse_float=Decimal))


def test_the_bill_is_the_one_worked_out_by_hand(sheet):
    [bill] = bills(TRAFFIC, sheet, [3])

    assert [(line.item, line.quantity, line.amount) for line in bill.lines] == [
        (item, Decimal(quantity), Decimal(amount)) for item, quantity, amount in FIRST_MONTH
    ]
    assert bill.total == Decimal("224.76")


def test_storage_is_paid_for_again_every_month(sheet):
    told = bills(TRAFFIC, sheet, [3, 3, 3])

    # 36.5, 109.5 and 182.5 GB x 0.023 = 0.8395, 2.5185, 4.1975; here and in the second region.
    assert [bill.parts["storage"] for bill in told] == [
        Decimal("0.84"), Decimal("2.52"), Decimal("4.20")
    ]  # fmt: skip
    assert [bill.total for bill in told] == [
        Decimal("224.76"), Decimal("228.12"), Decimal("231.48")
    ]  # fmt: skip


def test_every_amount_is_quantity_by_price_and_says_where_the_price_stands(sheet):
    lines = [line for bill in bills(TRAFFIC, sheet, [3] * 12) for line in bill.lines]
    wrong = [
        line
        for line in lines
        if abs(line.quantity / line.per * line.price - line.amount) > Decimal("0.005")
    ]

    assert wrong == []
    assert [line for line in lines if not line.source] == []


def test_a_total_is_the_sum_of_its_lines_and_of_its_parts(sheet):
    for bill in bills(TRAFFIC, sheet, [3] * 12):
        assert bill.total == sum(line.amount for line in bill.lines)
        assert bill.total == sum(bill.parts.values())
        assert tuple(bill.parts) == PARTS


# What another tool's reference files say for the same quantities and lists.
@pytest.mark.parametrize(
    ("name", "quantity", "amounts"),
    [
        ("amazon", 157_000, ["921.60", "3481.60", "7168.00", "170.00"]),
        ("google", 12_500, ["122.88", "1013.76", "180.80"]),
    ],
)
def test_the_tiers_of_our_sheets_give_what_others_reckon(name, quantity, amounts):
    sheet = sheet_from(toml(name))
    lines = sheet.lines("egress_gb", Decimal(quantity))

    assert [line.amount for line in lines] == [Decimal(amount) for amount in amounts]


@pytest.mark.parametrize("name", ["amazon", "google"])
def test_our_sheets_price_every_item_and_say_where_from(name):
    sheet = sheet_from(toml(name))

    assert list(sheet.prices) == list(ITEMS)
    assert [price.item for price in sheet.prices.values() if len(price.source) < 10] == []
    assert sheet.cold is not None


def test_what_is_kept_for_some_months_is_paid_for_in_those(sheet):
    told = bills(
        Traffic(**{**fields(TRAFFIC), "months_kept": Decimal(2)}), sheet, [3] * 6
    )  # fmt: skip
    stored = [line.quantity for bill in told for line in bill.lines if line.item.startswith("stor")]

    assert stored == [Decimal(n) for n in ("36.5", "109.5", "182.5", "182.5", "182.5", "182.5")]


def fields(traffic):
    return {name: getattr(traffic, name) for name in traffic.__dataclass_fields__}


def test_growth_is_by_the_year():
    traffic = Traffic(**{**fields(TRAFFIC), "growth_per_year": Decimal("0.5")})

    assert traffic.growth(1) == 1
    assert float(traffic.growth(13)) == pytest.approx(1.5)
    assert float(traffic.growth(25)) == pytest.approx(2.25)


def test_storage_overtakes_what_was_larger_at_first(sheet):
    large = Traffic(**{**fields(TRAFFIC), "second_region": False})
    found = growth(bills(large, sheet, [1] * 120))

    # 1 server is 73 a month; storage grows by 73 GB x 0.023 = 1.679 a month: month 44 pays for
    # 43.5 x 73 GB = 73.04.
    assert (found.part, found.largest_first, found.overtakes_month) == ("storage", "CPU", 44)


def test_a_lever_changes_the_same_bill(sheet):
    told = {one.lever: one for one in savings(TRAFFIC, lambda t: bills_of(t, sheet))}

    # 2 x 0.73 becomes 2 x 0.01 (146,000 / 64 / 1,000 x 0.005 = 0.0114), in each of two months.
    assert told["pack"].saved == Decimal("2.88")
    # The sheet has no price for a class that is seldom read: nothing is made up.
    assert "cold" not in told
    assert set(told) == set(LEVERS) - {"cold"}


def bills_of(traffic, sheet):
    return None if traffic.cold_second_region else bills(traffic, sheet, [3, 3])


@pytest.mark.parametrize(
    ("spoiled", "why"),
    [
        (('item = "reads"', 'item = "raeds"'), "there is no item 'raeds'"),
        (('item = "reads"', 'item = "writes"'), "writes is priced twice"),
        (("start = 1, end = 2", "start = 1.5, end = 2"), "the tiers of egress_gb must begin at 0"),
        (("price = 0.085", "price = -1"), "-1 must be 0 or more"),
        (("price = 0.085", 'price = "cheap"'), "'cheap' is no number"),
        (('dated = "2026-11-24"\n', ""), "the price sheet says no dated"),
    ],
)
def test_a_sheet_that_is_wrong_is_refused(spoiled, why):
    text = SHEET.replace(*spoiled, 1)

    with pytest.raises(PlanRefused, match=why):
        sheet_from(tomllib.loads(text, parse_float=Decimal))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({}, "says no requests_per_day"),
        ({"requests_per_day": 0}, "requests_per_day must be more than 0"),
        ({"requests_per_day": 1, "colour": 1}, "there is no colour in a traffic"),
        ({"requests_per_day": 1, "upload_share": 2}, "upload_share must be 0 to 1, not 2"),
        ({"requests_per_day": 1, "second_region": 1}, "second_region must be true or false"),
        ({"requests_per_day": 1, "upload_share": 1, "draw_share": 1}, "more than all requests"),
    ],
)
def test_a_traffic_that_is_wrong_is_refused(told, why):
    with pytest.raises(PlanRefused, match=why):
        traffic_from(told)
