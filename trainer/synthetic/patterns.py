"""How texts of each kind begin and go on, as patterns over the facts of their entity.

``{Birth Place}`` is a fact's value, ``{=Type:town}`` the value (or else the word
after the colon) written as plain text, ``{N}`` the name, ``{S}`` its short form,
``{a}`` a or an, ``{He} {he} {His} {his} {child}`` as the person's sex has it, ``{#y} {#n} {#p} {#w}`` a year,
number, place or person that is no fact. ``<x|y>`` is a choice, ``[x]`` stands there
or not. A relation bears the name that it most often has in that wording in
encyclopaedic text.
"""

from __future__ import annotations

_BORN = "<(born {Birth Date})|(born {Birth Date}, in {Birth Place})|(born {Birth Date} in {Birth Place})>"
_LIFE = (
    "<({Birth Date} – {Death Date})|({Birth Date} - {Death Date})|({Birth Date}–{Death Date})"
    "|(born {Birth Date} – {Death Date})|(born {Birth Date}, died {Death Date})"
    "|(born {Birth Date} in {Birth Place}; died {Death Date} in {Death Place})"
    "|({Birth Date}, {Birth Place} – {Death Date}, {Death Place})"
    "|({Birth Date} in {Birth Place} - {Death Date} in {Death Place})>"
)
_JOB = "<{a} {Nationality} {Occupation}|{a} {Nationality} {Occupation}|{a} {Occupation}>"

PERSON = (
    f"{{N}} {_BORN} is {_JOB}<.| who studied at {{Education}}.| and {{#w}}'s pupil.>",
    f"{{N}} {_BORN} is [a former ]{{Nationality}} {{Occupation}}.",
    "{N} (born {Birth Date}).",
    "{N} (born {Birth Date}[ in {Birth Place}]) was <the first|the second|the last> of {#n} children.",
    f"{{N}} {_LIFE} was {_JOB}.",
    f"{{N}} {_LIFE} was {_JOB}<, best known for {{Known For}}.| and a friend of {{#w}}.>",
    f"{{N}} {_LIFE} was one of {{#n}} founders of a <club|school|journal|theatre> in {{#p}}.",
    "{N} ({Birth Date} – {Death Date}) lived in {#p}.",
    "{N} was born in {Birth Place}.",
    "{N} was born in {Birth Place}<, on| on> {Birth Date}.",
    "{N} was born in {Birth Place} and <raised|grew up> in {#p}.",
    "{N} was born in {Birth Place} in {Birth Date}<.|, the child of {#w}.>",
    "{N} was born on {Birth Date}.",
    "{N} was born on {Birth Date} in {Birth Place}.",
    "{N} was born on {Birth Date}, in {Birth Place}, and died on {Death Date}[ in {Death Place}].",
    "{N} was born {Birth Date} in {Birth Place}.",
    "{N} was born on <a farm|the estate of {#w}> near {Birth Place}.",
    "{N} was {a} {Nationality} {Occupation}.",
    "{N} was {a} {Nationality} {Occupation} <of the {#n}th century|who lived in {#p}|and teacher>.",
    "{N} was {a} {Occupation} <from {#p}|who worked in {#p}|and collector>.",
    "{N} was {a} {Nationality} {Occupation}, born in {Birth Place}[ on {Birth Date}].",
    "{N} is {a} {Nationality} {Occupation}.",
    "{N} is {a} {Nationality} {Occupation} <from|based in|who lives in> {#p}.",
    "{N} is {a} {Occupation}<.| and professor.| known for {Known For}.>",
    "{N}, {a} {Nationality} {Occupation}, was born in {Birth Place}[ in {#y}].",
    "{N}, who was born in {Birth Place}, was {a} {Nationality} {Occupation}.",
    "{N}, born {Birth Date} in {Birth Place}, is {a} {Occupation}.",
    "{N}, born on {Birth Date}, was {a} {Nationality} {Occupation}.",
    "Born in {Birth Place}, {N} <studied at|graduated from> {Education}.",
    "{N} studied at {Education}.",
    "{N} graduated from {Education}[ in {#y}].",
    "{N} attended {Education}<.| and moved to {#p} in {#y}.>",
    "{N} was educated at {Education}[ and in {#p}].",
    "{N} died on {Death Date}[ in {Death Place}].",
    "{N} died in {Death Place}[ on {Death Date}].",
    "{N}, {a} {Occupation}; born in {Birth Place}, {Birth Date}; attended <the public schools|school"
    " in {#p}> and graduated from {Education}[ in {#y}]; died in {Death Place}[, {Death Date}];"
    " interment in {Burial Place}.",
    "{N} is <best |>known for {Known For}.",
    "{N} is {a} {Nationality} citizen who works as {a} {Occupation}.",
    "{N} married {Spouse}[ in {#y}].",
)  # fmt: skip
PERSON_MORE = (
    "<{He}|{S}|{N}> was born in {Birth Place}[ to {#w} and {#w}].",
    "<{He}|{S}|{N}> was born in {Birth Place} on {Birth Date}.",
    "<{He}|{S}|{N}> was born on {Birth Date}[ in {Birth Place}].",
    "Born in {Birth Place}, {he} <grew up in {#p}|moved to {#p} as a child>.",
    "<{He}|{S}> studied at {Education}.",
    "<{He}|{S}> studied <law|medicine|music|history|chemistry> in {#p} and graduated from {Education}[ in {#y}].",
    "<{He}|{S}|{N}> graduated from {Education}[ in {#y}].",
    "<{He}|{S}> attended school in {#p} and graduated from {Education}.",
    "<{He}|{S}> was educated at {Education}.",
    "<{He}|{S}> attended {Education}[ from {#y} to {#y}].",
    "<{He}|{S}|{N}> died in {Death Place}[ on {Death Date}].",
    "<{He}|{S}|{N}> died on {Death Date}[ in {Death Place}].",
    "<{He}|{S}> died in {Death Place} at the age of {#n}[ and was buried in {Burial Place}].",
    "<{He}|{S}|{N}> was buried in {Burial Place}.",
    "<{He}|{S}> is buried <at|in> {Burial Place}.",
    "Interment was in {Burial Place}.",
    "<{He}|{S}> was {a} {Nationality} {Occupation}.",
    "<{He}|{S}> <worked|made a living> as {a} {Occupation}[ in {#p}].",
    "<{He}|{S}> <was married to|married|is married to> {Spouse}.",
    "<{He}|{S}|{N}> <won|received|was awarded> the {Award}[ in {#y}].",
    "<{He}|{S}> is best known for {Known For}.",
    "<{He}|{S}> was a member of the {Member Of}.",
    "<{He}|{S}> is the {child} of {Parent}.",
    "<{He}|{S}> served as {Served As}[ from {#y} to {#y}].",
    "<{He}|{S}> lived in {#p} <for {#n} years|until {#y}>.",
)  # fmt: skip

POLITICIAN = (
    "{N}, a {Office} from {State}; born in {Birth Place}, {Birth Date}; attended <the public schools|"
    "the common schools|the schools of {#p}> and graduated from {Education}[, {#y}]; <studied law|"
    "taught school|engaged in farming>; died in {Death Place}[, {Death Date}]; interment in"
    " {Burial Place}.",
    "{N}, a Representative from {State}; born in {Birth Place}[, {Birth Date}]; moved to {#p} in {#y};"
    " was graduated from {Education}[, in {#y}]; was admitted to the bar in {#y} and commenced practice"
    " in {Practice Place}[; elected as a {Party} to the Congress]; died in {Death Place}[, {Death Date}];"
    " interment in {Burial Place}.",
    "{N}, a Senator from {State}; born in {Birth Place}[, {Birth Date}]; <studied law; |>graduated from"
    " {Education}; died in {Death Place}[; interment in {Burial Place}].",
    "{N}, a Representative from {State}; born in {Birth Place}; attended school in {#p} and graduated"
    " from {Education} in {#y}; resumed the practice of law; died in {Death Place}[, {Death Date}];"
    " interment in {Burial Place}.",
    "{N}, a {Office} from {State}; was born in {Birth Place}; completed preparatory studies and graduated"
    " from {Education}[; died on {Death Date}; interment in {Burial Place}].",
    "{N}, a Representative from {State}; born {Birth Date}; graduated from {Education}.",
    "{N}, a Delegate from {State}; pursued classical studies; retired to {#p}; interment in {Burial Place}.",
    "{N}, a Representative from {State}; elected as a {Party}; died in {Death Place}; interment in"
    " {Burial Place}.",
    "{N}, a Representative from {State}; attended the <public|common|private> schools and graduated from"
    " {Education}[ in {#y}]; <mayor of {#p}|judge in {#p}>[; died in {Death Place}]; interment in"
    " {Burial Place}.",
    "{N}, a Senator from {#p}; died in {Death Place}, {Death Date}; interment in {Burial Place}.",
    "{N}, born in {Birth Place}; studied <law|medicine> and graduated from {Education}; practiced in"
    " {Practice Place}; interment in {Burial Place}.",
    "{N}, <lawyer|merchant|soldier|teacher>; born in {Birth Place}; moved to {#p}; interment in"
    " {Burial Place}.",
    "{N} was {a} {Nationality} politician from {State}.",
    "{N} (born {Birth Date}) is {a} {Nationality} politician <who is a member of the {Party}|from {State}>.",
    "{N} ({Birth Date} – {Death Date}) was {a} {Nationality} politician and <lawyer|farmer|judge>.",
)  # fmt: skip

PLAYER = (
    "{N} (born {Birth Date}[ in {Birth Place}]) is {a} {Nationality} {Occupation} who plays as a {Position}"
    " for {Team}.",
    "{N} (born {Birth Date}) is {a} [former ]{Nationality} {Occupation} who plays for {Team}.",
    "{N} is {a} {Nationality} {Occupation} who played <for|with> {Played For}.",
    "{N} was {a} {Nationality} {Occupation} who competed <in|at> the {#y} <Games|Olympics>.",
    "{N} ({Birth Date} – {Death Date}) was {a} {Nationality} {Occupation} who played for {Played For}.",
    "{N} (born {Birth Date}) is {a} {Nationality} <swimmer|sprinter|rower|cyclist|fencer|skier>.",
    "{N} plays as a {Position} for {Team}.",
    "{N} was born in {Birth Place} and played for {Played For} <until|from> {#y}.",
    "{N}, {a} {Nationality} {Occupation}, plays for {Team}.",
    "{N} (born {Birth Date}) played {#n} games for {Played For}.",
)  # fmt: skip
PLAYER_MORE = (
    "<{He}|{S}> plays as a {Position}[ for {Team}].",
    "<{He}|{S}> played for {Played For}.",
    "<{He}|{S}> currently plays for {Team}.",
    "<{He}|{S}> was born in {Birth Place}[ on {Birth Date}].",
    "<{He}|{S}> won the {Award}[ in {#y}].",
    "<{He}|{S}> is coached by {Coach}.",
    "<{He}|{S}> attended {Education}.",
)

_STARS = "<and starring| and stars|, starring|starring> {Starring}"
FILM = (
    "{N} is {a} {Release Year} {Genre} film directed by {Director}.",
    "{N} is {a} {Release Year} {Genre} film directed by {Director} and starring {Starring}.",
    "{N} is {a} {Release Year} {Country} {Genre} film directed by {Director} and starring {Starring}.",
    "{N} is {a} {Release Year} {Country} {Genre} film directed by {Director}[ and written by {Writer}].",
    "{N} is {a} {Release Year} {Country} film directed by {Director}.",
    "{N} is {a} {Release Year} film directed by {Director}[, starring {Starring}].",
    "{N} is {a} {Release Year} {Genre} film written and directed by {Director}.",
    "{N} is {a} {Release Year} {Country} {Genre} film starring {Starring}.",
    "{N} is {a} {Release Year} {Genre} film starring {Starring} and directed by {Director}.",
    "{N} is {a} {Release Year} {Genre} film produced by {Producer} and directed by {Director}.",
    "{N} is {a} {Country} {Genre} film directed by {Director}.",
    "{N} is {a} {Genre} film <directed|written and directed> by {Director}, released in {Release Date}.",
    "{N} is {a} {Genre} film from {#y} directed by {Director}.",
    "{N} is {a} {Release Year} {Genre} film about <{#n} friends|a journey to {#p}|a family in {#p}>.",
    "{N} is {a} {Release Year} film.",
    "{N} is {a} {Release Year} {Country} <short|silent|documentary|animated> film directed by {Director}.",
    "{N} is {a} {Release Year} {Genre} film set in {#p}.",
    "{N} was directed by {Director}.",
    "{N} was directed by {Director} and <written by {Writer}|produced by {Producer}|released in {Release Date}>.",
    "{N} stars {Starring}.",
    "{N} was released on {Release Date}.",
    "{N} was written by {Writer} and directed by {Director}.",
    "{N}, directed by {Director}, is {a} {Genre} film.",
    "{N}, {a} {Release Year} film by {Director}, stars {Starring}.",
    "{N} is {a} film <by|directed by> {Director}.",
    "{N} is {a} {Country} film of {#y}, directed by {Director} and starring {Starring}.",
    "{N} is {a} {Genre} film starring {Starring}.",
    "{N} was produced by {Producer}<.| in {#y}.>",
    "{N} is an upcoming {Country} {Genre} film directed by {Director}.",
)  # fmt: skip
FILM_MORE = (
    "<The film|It> stars {Starring}.",
    "<The film stars|The film stars|It stars> {Starring}[, and was shot in {#p}].",
    "<The film|It> was written by {Writer}.",
    "<The film|It> was written by {Writer} and produced by {Producer}.",
    "<The film|It> was produced by {Producer}[ for {Label}].",
    "<The film|It|{N}> was released on {Release Date}[ by {Label}].",
    "<The film|It|{N}> was directed by {Director}.",
    "The screenplay was written by {Writer}.",
    "The music was composed by {Composer}.",
    "<The film|It> was released by {Label}.",
    "<The film|It> features {Starring}.",
    "<The film|It> was shot in {#p} over {#n} weeks.",
    "The leading roles are played by {#w} and {#w}.",
    "<The film|It> is based on {a} novel by {Author}.",
)

TOWN = (
    "{N} is {a} {Type} in {Location}.",
    "{N} is {a} {Type} located in {Location}.",
    "{N} is {a} small {Type} in {Location}.",
    "{N} is {a} {=Type:town} in {Location}.",
    "{N} is {a} {=Type:town} in {Location}, with a population of {Population}.",
    "{N} is {a} {=Type:town} in the <north|south|east|west|centre> of {Country}.",
    "{N} is {a} {=Type:town} and municipality in {Location}.",
    "{N} is {a} {=Type:town} in {County}[, {Country}].",
    "{N} is {a} {Type} in {County}[, {Country}].",
    "{N} is {a} {=Type:town} located in {Location}.",
    "{N} is {a} {Type} with a population of {Population}.",
    "{N} is {a} {Type} of {Population} inhabitants in {Location}.",
    "{N} is {a} {Type} on the {River}[ in {Location}].",
    "{N} is the capital of {Capital Of}.",
    "{N} is the <county seat|seat> of {County Seat Of}.",
    "{N} is part of the {Part Of}.",
    "{N} has a population of {Population}.",
    "{N} covers an area of {Area}[ and has a population of {Population}].",
    "{N} is located in {Located In}.",
    "{N} <lies in|is situated in> {Location}<.|, about {#n} km from {#p}.>",
    "{N} was founded in {Founded}[ by {Founder}].",
    "{N} was established in {Established}.",
    "{N} is {a} {=Type:town} in {Location}, about {#n} km <north|south|east|west> of {#p}.",
    "{N} (population {Population}) is {a} {Type} in {Location}.",
    "{N} is {a} {=Type:village} in the {#p} district of {Location}.",
    "{N} is one of the {#n} <towns|villages|municipalities> of {Location}.",
    "{N} is {a} {Type} <in|at> an elevation of {Elevation}.",
    "{N} is the largest {=Type:town} in {Location}.",
    "{N}, {a} {Type} in {Location}, has a population of {Population}.",
    "The {=Type:town} of {N} is located in {Located In}.",
)
TOWN_MORE = (
    "<It|{N}|The {=Type:town}> has a population of {Population}.",
    "It has a population of {Population}[ and covers an area of {Area}].",
    "As of {#y}, <it|the {=Type:town}> has a population of {Population}.",
    "The population was {Population} <in {#y}|at the {#y} census>.",
    "In {#y} <the population was|it had a population of> {Population}.",
    "<It|{N}|The {=Type:town}> covers an area of {Area}.",
    "It has an area of {Area}[ and a population of {Population}].",
    "<It|{N}> lies at an elevation of {Elevation}.",
    "<It|{N}> is part of the {Part Of}.",
    "<It|{N}> is located in {Located In}.",
    "<It|{N}> is the capital of {Capital Of}.",
    "<It|The {=Type:town}> was founded in {Founded}[ by {Founder}].",
    "<It|{N}> was established in {Established}.",
    "<It|{N}> was named after {Named After}.",
    "The mayor is {Mayor}.",
    "<It|{N}> lies on the {River}.",
    "<It|{N}> is known for its <market|bridge|castle|church> of {#y}.",
)

COMPANY = (
    "{N} is {a} company founded in {Founded}[ by {Founder}].",
    "{N} is {a} company founded by {Founder}[ in {Founded}].",
    "{N} is {a} {Country} company founded in {Founded}.",
    "{N} is {a} {Country} company founded by {Founder}[ in {Founded}].",
    "{N} is {a} {Country} {Type} founded by {Founder}[ in {Founded}].",
    "{N} is {a} {Country} {Type} founded in {Founded}[ by {Founder}].",
    "{N} is {a} {Country} {Type} headquartered in {Headquarters}.",
    "{N} is {a} {Country} {Type} based in {Location}.",
    "{N} is {a} {Type} based in {Location}.",
    "{N} is {a} {Type} headquartered in {Headquarters}.",
    "{N} is {a} {Type} founded <in {Founded}|by {Founder}>.",
    "{N} is {a} {=Type:company} founded <in {Founded}|by {Founder}>.",
    "{N} is {a} {Country} {=Type:company} founded by {Founder} and headquartered in {Headquarters}.",
    "{N} is {a} company <based in|from> {Location}.",
    "{N} is {a} company headquartered in {Headquarters}.",
    "{N} is {a} company in the {Industry} industry.",
    "{N} was founded in {Founded}[ by {Founder}].",
    "{N} was founded by {Founder}[ in {Founded}].",
    "{N} was established in {Established}.",
    "{N} is headquartered in {Headquarters}.",
    "{N} is based in {Based In}.",
    "{N}, founded in {Founded}, is {a} {Country} {Type}.",
    "{N}, founded by {Founder}, is {a} {Type}[ based in {Location}].",
    "{N}, {a} {Country} {Type}, was founded in {Founded}.",
    "{N}, headquartered in {Headquarters}, is {a} {Country} company.",
    "{N} is {a} {Country} manufacturer of <tools|bicycles|glass|toys|engines> founded in {Founded}.",
    "{N} is owned by {Owner}.",
    "{N} is {a} {Type} owned by {Owner}.",
    "Founded in {Founded}, {N} is {a} {Country} {Type}.",
    "Founded by {Founder}, {N} <has its headquarters|is based> in {Headquarters}.",
)
COMPANY_MORE = (
    "<It|The company|{N}> was founded in {Founded}[ by {Founder}].",
    "<It|The company|{N}> was founded by {Founder}[ in {Founded}].",
    "<It|The company|{N}> is headquartered in {Headquarters}.",
    "Its headquarters are in {Headquarters}.",
    "<It|The company> has its headquarters in {Headquarters}.",
    "<It|The company|{N}> is based in {Based In}.",
    "<It|The company> is owned by {Owner}.",
    "<It|The company> is {a} {Type}.",
    "<It|The company> was established in {Established}.",
    "<It|The company> was named after {Named After}.",
    "Its <chief executive|chairman|director> is {CEO}.",
    "<It|The company> employs {Employees} people.",
    "<It|The company> has offices in {#p} and {#p}.",
    "<It|The company> opened a plant in {#p} in {#y}.",
)

BOOK = (
    "{N} is {a} novel by {Author}.",
    "{N} is {a} novel by {Author}, published <by {Publisher}|in {#y}>.",
    "{N} is {a} novel written by {Author}.",
    "{N} is {a} book by {Author}.",
    "{N} is {a} book written by {Author}.",
    "{N} is {a} {Release Year} novel by {Author}.",
    "{N} is {a} {Release Year} {Type} by {Author}.",
    "{N} is {a} {Release Year} {Type} by {Author}, published by {Publisher}.",
    "{N} is {a} {Release Year} {Type} written by {Author}.",
    "{N} is {a} {Release Year} book by {Author}.",
    "{N} is {a} {Type} by {Author}.",
    "{N} is {a} {Type} by {Author}, published by {Publisher} in {#y}.",
    "{N} is {a} {Type} by {Author} and the {#n}th book of a series.",
    "{N} is {a} {=Type:novel} by {Author}.",
    "{N} is {a} {=Type:novel} by {Author}, first published in {First published}[ by {Publisher}].",
    "{N} is {a} {=Type:novel} written by {Author} and published by {Publisher}.",
    "{N} is the <first|second|third|last> novel by {Author}.",
    "{N} is {a} {Genre} novel by {Author}.",
    "{N} is {a} {Release Year} {Genre} novel by {Author}.",
    "{N} is {a} novel by the {Nationality} <author|writer> {Author}.",
    "{N} was written by {Author}.",
    "{N} was published by {Publisher}.",
    "{N} was first published in {First published}[ by {Publisher}].",
    "{N} is {a} <collection of|book of> <poems|essays|stories> by {Author}.",
    "{N}, {a} {Type} by {Author}, was published by {Publisher}.",
    "{N}, by {Author}, was first published in {First published}.",
    "{N} is {a} {Language} {Type} by {Author}.",
    "{N} is {a} {Release Year} {Type}.",
)
BOOK_MORE = (
    "<The book|It|The novel> was published by {Publisher}[ in {#y}].",
    "<The book|It|The novel> was first published in {First published}[ by {Publisher}].",
    "<The book|It> was written by {Author}.",
    "<The book|It> won the {Award}[ in {#y}].",
    "<The book|It> is set in {#p}.",
    "<The book|It> is {a} {Type}.",
    "<The book|It> has {Pages} pages.",
    "<The book|It> was released on {Release Date}.",
    "<The book|It> was translated by {#w} in {#y}.",
    "It tells of {#w} and {#n} <sisters|soldiers|travellers>.",
)

ALBUM = (
    "{N} is {a} album by {Performer}.",
    "{N} is the <debut|second|third|fourth|first> [<studio|live> ]album by {Performer}.",
    "{N} is {a} {Release Year} album by {Performer}.",
    "{N} is {a} studio album by {Performer}, released on {Release Date}[ by {Label}].",
    "{N} is {a} song by {Performer}[, released in {Release Date}].",
    "{N} is {a} single by {Performer}.",
    "{N} was released on {Release Date}[ by {Label}].",
    "{N} is {a} {Genre} album by {Performer}.",
    "{N} was recorded by {Performer} in {#p}.",
)
ALBUM_MORE = (
    "It was released on {Release Date}[ by {Label}].",
    "It was released by {Label}.",
    "<It|The album> was produced by {Producer}.",
    "<It|The album> was written by {Writer}.",
    "<It|The album> was recorded in {#p}.",
)

BAND = (
    "{N} is {a} {Country} {Genre} band formed in {Formed}.",
    "{N} is {a} {Genre} band from {Origin}[, formed in {Formed}].",
    "{N} are {a} {Country} <rock|pop|folk|metal> band <from|formed in> {Origin}.",
    "{N} is {a} band from {Origin}.",
    "{N} was formed in {Formed}[ by {Founder}].",
    "{N} is {a} {Country} band founded by {Founder}.",
    "{N}, {a} {Country} {Type}, was formed in {Formed}.",
    "{N} is {a} {Type} from {Origin}.",
)
BAND_MORE = (
    "<The band|It> was formed in {Formed}.",
    "<The band|It> was founded by {Founder}.",
    "<The band|It> is signed to {Label}.",
    "<The band|It> won the {Award}[ in {#y}].",
    "<The band|It> toured {#p} in {#y}.",
)

BUILDING = (
    "{N} is {a} {Type} in {Location}.",
    "{N} is {a} {Type} built in {Built}[ in {Location}].",
    "{N} is {a} {Type} designed by {Designer}.",
    "{N} was built in {Built}[ and designed by {Designer}].",
    "{N} was designed by {Designer}[ and completed in {Completed}].",
    "{N} opened in {Opened}.",
    "{N} was completed in {Completed}.",
    "{N} is located in {Located In}.",
    "{N} is {a} {=Type:museum} located in {Location}.",
    "{N}, {a} {Type} in {Location}, opened in {Opened}.",
)
BUILDING_MORE = (
    "It was built in {Built}.",
    "It was designed by {Designer}.",
    "It opened in {Opened}.",
    "It is owned by {Owner}.",
    "It was named after {Named After}.",
    "It was completed in {Completed}.",
    "It has room for {#n} guests.",
)

SCHOOL = (
    "{N} is {a} {Type} in {Location}.",
    "{N} is {a} {Type} in {Location}, founded in {Founded}.",
    "{N} is {a} {Type} established in {Established}.",
    "{N} was founded in {Founded}[ by {Founder}].",
    "{N} was established in {Established}.",
    "{N} is {a} <university|college|school> in {Location}.",
    "{N} is {a} <university|college|school> founded <in {Founded}|by {Founder}>.",
    "{N} is located in {Located In}.",
    "{N} has {Enrollment} students.",
)
SCHOOL_MORE = (
    "It was founded in {Founded}[ by {Founder}].",
    "It was established in {Established}.",
    "It is part of the {Part Of}.",
    "It has an enrollment of {Enrollment} students.",
    "<Its|The> president is {President}.",
    "It was named after {Named After}.",
)

RIVER = (
    "{N} is {a} {Type} in {Location}.",
    "{N} is {a} river in {Location}.",
    "{N} is {a} tributary of the {Emptying into}[ in {Location}].",
    "{N} is {a} {Type} with an elevation of {Elevation}.",
    "{N} is {a} mountain in {Location}[ with an elevation of {Elevation}].",
    "{N} is {a} lake in {Location}.",
    "{N} has a length of {Length}.",
    "{N} covers an area of {Area}.",
    "{N} is {a} {Length} long {Type} in {Location}.",
)
RIVER_MORE = (
    "It has a length of {Length}.",
    "It covers an area of {Area}.",
    "It has an elevation of {Elevation}.",
    "It is {a} tributary of the {Emptying into}.",
    "It was named after {Named After}.",
    "It is part of the {Part Of}.",
)

SERIES = (
    "{N} is {a} {Country} {Type} created by {Creator}.",
    "{N} is {a} {Country} television series that <premiered|aired> on {Network}.",
    "{N} is {a} {Release Year} {Country} {Type}.",
    "{N} is {a} {Type} developed by {Developer}[ and published by {Publisher}].",
    "{N} is {a} {Release Year} video game developed by {Developer}.",
    "{N} is {a} video game published by {Publisher}.",
    "{N} was developed by {Developer}.",
    "{N} was created by {Creator}.",
    "{N} is {a} {Type} starring {Starring}.",
    "{N} premiered on {Network}[ on {Release Date}].",
)
SERIES_MORE = (
    "It was released on {Release Date}.",
    "It was developed by {Developer}.",
    "It was published by {Publisher}.",
    "It stars {Starring}.",
    "It premiered on {Network}.",
    "It was created by {Creator}.",
)

PATTERNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "person": (PERSON, PERSON_MORE),
    "politician": (POLITICIAN, PERSON_MORE),
    "player": (PLAYER, (*PLAYER_MORE, *PERSON_MORE)),
    "film": (FILM, FILM_MORE),
    "town": (TOWN, TOWN_MORE),
    "company": (COMPANY, COMPANY_MORE),
    "book": (BOOK, BOOK_MORE),
    "album": (ALBUM, ALBUM_MORE),
    "band": (BAND, BAND_MORE),
    "building": (BUILDING, BUILDING_MORE),
    "school": (SCHOOL, SCHOOL_MORE),
    "river": (RIVER, RIVER_MORE),
    "series": (SERIES, SERIES_MORE),
}
"""For each kind of entity: how its texts begin, and how they go on."""
