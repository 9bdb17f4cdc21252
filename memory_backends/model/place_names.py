"""Places that stand after a comma to tell one town from another ("Springfield, Illinois")."""

from __future__ import annotations

from functools import lru_cache

_PLACES = """
alabama alaska arizona arkansas california colorado connecticut delaware florida georgia hawaii
idaho illinois indiana iowa kansas kentucky louisiana maine maryland massachusetts michigan
minnesota mississippi missouri montana nebraska nevada new-hampshire new-jersey new-mexico
new-york north-carolina north-dakota ohio oklahoma oregon pennsylvania rhode-island
south-carolina south-dakota tennessee texas utah vermont virginia washington west-virginia
wisconsin wyoming district-of-columbia washington-d-c d-c puerto-rico guam
al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny
nc nd oh ok or pa ri sc sd tn tx ut vt va wa wv wi wy dc
alberta british-columbia manitoba new-brunswick newfoundland newfoundland-and-labrador
nova-scotia ontario prince-edward-island quebec saskatchewan yukon nunavut
northwest-territories
new-south-wales queensland south-australia tasmania victoria western-australia
northern-territory australian-capital-territory
england scotland wales northern-ireland united-kingdom uk great-britain london
bedfordshire berkshire buckinghamshire cambridgeshire cheshire cornwall cumbria derbyshire devon
dorset essex gloucestershire greater-manchester hampshire herefordshire hertfordshire kent
lancashire leicestershire lincolnshire merseyside norfolk northamptonshire northumberland
nottinghamshire oxfordshire rutland shropshire somerset staffordshire suffolk surrey sussex
east-sussex west-sussex warwickshire west-midlands wiltshire worcestershire yorkshire
north-yorkshire south-yorkshire west-yorkshire
united-states united-states-of-america usa us canada mexico australia new-zealand ireland
republic-of-ireland france germany italy spain portugal netherlands belgium luxembourg
switzerland austria poland czech-republic czechia slovakia hungary romania bulgaria greece turkey
cyprus malta albania serbia croatia slovenia bosnia-and-herzegovina north-macedonia macedonia
montenegro kosovo denmark sweden norway finland iceland estonia latvia lithuania belarus ukraine
moldova russia armenia azerbaijan kazakhstan uzbekistan turkmenistan kyrgyzstan tajikistan
afghanistan pakistan india nepal bhutan bangladesh sri-lanka maldives myanmar burma thailand laos
cambodia vietnam malaysia singapore indonesia philippines brunei china taiwan hong-kong japan
south-korea north-korea korea mongolia iran iraq syria lebanon israel palestine jordan
saudi-arabia yemen oman united-arab-emirates qatar bahrain kuwait egypt libya tunisia algeria
morocco sudan ethiopia eritrea somalia kenya uganda tanzania rwanda burundi nigeria ghana
ivory-coast senegal mali niger chad cameroon gabon congo angola zambia zimbabwe mozambique malawi
botswana namibia south-africa lesotho eswatini madagascar mauritius seychelles gambia guinea
sierra-leone liberia togo benin burkina-faso brazil argentina chile peru bolivia paraguay uruguay
ecuador colombia venezuela guyana suriname panama costa-rica nicaragua honduras el-salvador
guatemala belize cuba jamaica haiti dominican-republic bahamas barbados trinidad-and-tobago fiji
papua-new-guinea samoa tonga vanuatu
"""
_ENDINGS = (" county", " province", " state", " district", " parish", " oblast", " prefecture")


def is_place_part(text: str) -> bool:
    """True where folded text names a state, province, county or country."""
    return text in _places() or text.endswith(_ENDINGS)


@lru_cache(maxsize=1)
def _places() -> frozenset[str]:
    return frozenset(place.replace("-", " ") for place in _PLACES.split())
