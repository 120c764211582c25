"""Language codes: ISO 639-1 (`ko`) and both ISO 639-2 forms (`ger`, `deu`) of the same language."""

from __future__ import annotations

import functools
import re

# ISO 639-1 and ISO 639-2/T pairs.
_TWO_THREE = """
aa aar ab abk ae ave af afr ak aka am amh an arg ar ara as asm av ava ay aym az aze ba bak be bel bg bul bh bih bi bis
bm bam bn ben bo bod br bre bs bos ca cat ce che ch cha co cos cr cre cs ces cu chu cv chv cy cym da dan de deu dv div
dz dzo ee ewe el ell en eng eo epo es spa et est eu eus fa fas ff ful fi fin fj fij fo fao fr fra fy fry ga gle gd gla
gl glg gn grn gu guj gv glv ha hau he heb hi hin ho hmo hr hrv ht hat hu hun hy hye hz her ia ina id ind ie ile ig ibo
ii iii ik ipk io ido is isl it ita iu iku ja jpn jv jav ka kat kg kon ki kik kj kua kk kaz kl kal km khm kn kan ko kor
kr kau ks kas ku kur kv kom kw cor ky kir la lat lb ltz lg lug li lim ln lin lo lao lt lit lu lub lv lav mg mlg mh mah
mi mri mk mkd ml mal mn mon mr mar ms msa mt mlt my mya na nau nb nob nd nde ne nep ng ndo nl nld nn nno no nor nr nbl
nv nav ny nya oc oci oj oji om orm or ori os oss pa pan pi pli pl pol ps pus pt por qu que rm roh rn run ro ron ru rus
rw kin sa san sc srd sd snd se sme sg sag si sin sk slk sl slv sm smo sn sna so som sq sqi sr srp ss ssw st sot su sun
sv swe sw swa ta tam te tel tg tgk th tha ti tir tk tuk tl tgl tn tsn to ton tr tur ts tso tt tat tw twi ty tah ug uig
uk ukr ur urd uz uzb ve ven vi vie vo vol wa wln wo wol xh xho yi yid yo yor za zha zh zho zu zul
"""
# The ISO 639-2/B codes that differ from 639-2/T.
_OLD_NEW = """
alb sqi arm hye baq eus bur mya chi zho cze ces dut nld fre fra geo kat ger deu gre ell ice isl mac mkd mao mri may msa
per fas rum ron slo slk tib bod wel cym
"""


@functools.cache
def _terminology() -> dict[str, str]:
    """Every other form of a code → its ISO 639-2/T form."""
    two_three, old_new = _TWO_THREE.split(), _OLD_NEW.split()
    return dict(zip(two_three[::2], two_three[1::2], strict=True)) | dict(zip(old_new[::2], old_new[1::2], strict=True))


def iso639_2(code: str | None) -> str | None:
    """The ISO 639-2/T form of a language tag (`ko`, `ko-KR`, `KOR` → `kor`); None for none, `und` and no language."""
    primary = (code or "").strip().lower().replace("_", "-").split("-")[0]
    three = _terminology().get(primary, primary)
    return three if re.fullmatch("[a-z]{3}", three) and three not in ("und", "mis", "zxx") else None


def iso639_1(code: str | None) -> str | None:
    """The shortest form of a language tag, as BCP 47 wants it (`kor` → `ko`); None for none."""
    three = iso639_2(code)
    return next((two for two, known in _terminology().items() if known == three and len(two) == 2), three)


def same_language(one: str | None, other: str | None) -> bool:
    """Whether two tags name the same language; unknown languages never do."""
    return iso639_2(one) is not None and iso639_2(one) == iso639_2(other)
