"""Relation names that mean the same: a paragraph is a group, its most used name first.

The order inside a group is how often the training text uses each name; names that
it never uses follow, as people type them. No name stands in two groups.
"""

from __future__ import annotations

GROUPS = """
type | description | class | category | kind | type of | is a | instance of | sort | what is it |
nature | kind of thing | type of thing | entity type | short description | described as

birth date | born | date of birth | birthdate | birth | date born | year of birth | born on |
birthday | birth day | birth year | year born | born in the year | dob | when born |
when was born

location | located in | locale | site | locality | address | main location | current location |
present location | situated in | located at | place | where | is in | situated at |
position on map | found in | lies in | where located | location of | placed in | location city |
situated | located | lies | is located in | in the location of | geographic location |
whereabouts

country | nation | country of origin | country and territory | countries | country or territory |
home nation | production country | which country | in country | sovereign state | home country |
country name | country of production | in which country | produced in country

occupation | profession | career | job | job title | vocation | work as | works as | worked as |
employment | line of work | professions | occupations | trade | what did for a living |
by profession | calling | occupation or profession | professional occupation |
occupation/profession

nationality | artist's nationality | citizenship | nat | citizen of | national of |
nationality of | country of citizenship | citizenship country | nationalities

release year | year | released | first published | release | year released | first released |
film year | year of release | year of publication | publication year | published in |
film release year | came out | came out in | released in | year of the film | date published |
year published | published | publication date | date of publication | year made |
first publication | released year | published year | issued | release yr | movie year

director | directed by | direction | directors | film director | movie director | director of |
director name | who directed | filmmaker | film maker | directed | helmed by | regisseur |
stage director | series director

genre | style | film genre | movie genre | musical genre | music genre | style of music | genres
| literary genre | genre of film | book genre | film type | type of film | kind of film |
kind of music | music style | genre of music | musical style | type of music | movie type |
game genre

starring | cast | actor | co-stars | actors | star | main actors | actress | cast/leads | stars |
cast members | main actor | lead actor | lead actors | leading actor | leading role | lead |
film stars | starred | stars in it | main cast | lead role | lead roles | leads | principal cast
| featured actor | featuring | featured actors | main star | played by | actor name |
leading actress | lead actress | main actress | who stars | stars actor | protagonist actor |
main stars

death date | death | died | date died | date of death | died on | deathdate | day of death |
year of death | death year | year died | passed away | passed away on | dod | when died |
deceased | died in the year

birth place | birthplace | place of birth | born in | born at | city of birth | town of birth |
birth city | birth town | birth location | location of birth | native place | native of |
where born | pob | birthplace city | village of birth

cast member | cast member 1 | member of the cast | first cast member | castmember

writer | author | playwright | written by | screenwriter | screenplay by | screenplay | script by
| scriptwriter | writers | authors | author of the book | book author | novelist | written |
story by | penned by | script writer | screen writer | screenplay writer | who wrote |
who wrote it | author name | authored by | author of | writer of | scenario by | scenarist |
film writer | story | script | author of the novel | novel by | book by | by author | teleplay by

state | state/province | state represented | home state | state or territory | state/territory |
us state | u.s. state | in state | federal state | located in state | in the state of |
which state | american state

party | political party | party affiliation | member of party | political affiliation |
political group | member of political party | parties | politics | member of the party |
political alignment | affiliated party

office | portfolio | post | office held | political office | public office | held office |
held the office of | government office | government post | position held | offices held |
office title | seat held

population | pop | 2010 census | number of inhabitants | inhabitants | number of people |
residents | number of residents | population size | total population | populace | people |
population count | population total | census population | how many people | how many inhabitants
| headcount | no. of inhabitants

burial place | place of burial | buried in | buried at | burial | resting place |
final resting place | interment | interred in | interred at | interment in | place of interment |
burial site | burial location | cemetery | grave | gravesite | entombed in | tomb | buried |
place buried

term start | took office | assumed office | year appointed | assumed office on | appointed |
term began | start of term | in office from | office start | term start date |
start of term of office | in office since | took office in | term of office start |
beginning of term | took office on | term began in | began term | entered office | term from |
inaugurated as

term end | left office | term ended | end of term | in office until | office end | term end date
| end of term of office | left office in | term of office end | left office on | term ended in |
ended term | term to | term until | leaving office

release date | premiere | debut date | premiere date | original release | first release |
date of release | released on | premiered on | date released | released date | premiered |
opening date of film | launch date of film | came out on | theatrical release |
theatrical release date

part of | belongs to | is part of | subdivision of | component of | forms part of | within |
contained in

death place | place of death | died in | died at | deathplace | city of death | death location |
location of death | where died | death city | pod

founded | established | formed | organized | est | founding date | date established |
year established | year founded | foundation | founded in | date founded | foundation year |
founding year | date of foundation | inception | year of foundation | founded on | established in
| formed in | year formed | established on | date of establishment | year of establishment |
foundation date | when founded | founding | date formed | started in | year of formation |
formation | date of founding | year of founding | in existence since | founded year | organised |
establishment

education | alma mater | studied at | educated at | college attended | university attended |
attended | graduated from | educated in | graduate of | almamater | place of study | studies |
schooling | academic background | college or university | educational institution |
received education at | trained at | degree from | university attended by | graduated at

cast member 2 | second cast member | supporting actor | co-star

member of | membership | is a member of | belonged to | member of group | member of band |
member in | membership in | member of organization | member of organisation | organization member
| bands member of | group member of

producer | produced by | film producer | producers | record producer | executive producer |
who produced | production by | movie producer

team | club | teams | clubs | current club | club name | team represented | team name |
sports team | football club | plays for team | current team | teams played | sports club |
football team | club team | member of sports team | member of team

venue | held at | venue name | place of event | took place at | event venue | event location |
held in | took place in | host venue

cast member 3 | third cast member

city | city, state | city or town | city and state | town | city/town | town/city | in city |
city name | located in city | which city | town or city | city of | city or municipality

practice place | place of practice | practiced in | practised in | practiced law in |
practised law in | law practice | practice location | where practiced

label | record label | recording label | record company | music label | labels | issued by label
| released by label

award | achievement | medal | achievements | honour | name of award | awards | prize | won |
honor | honours | honors | awards won | award received | awarded | award won | prizes | won award
| received award | awards received | decoration | decorations | recipient of | prize won |
honored with | honoured with | won the award

played for | previous club | previous team | teams played for | plays for | has played for |
player of | former team | former teams | former clubs | clubs played for | played with |
turned out for | appeared for

owner | ownership | owned by | proprietor | owners | belongs to owner | property of |
current owner | who owns

event date | date | date of action | date of event | held on | took place on | when |
day of event | date held | event day

named after | eponym | name origin | etymology | namesake | named for | origin of name |
is named after | named in honor of | named in honour of | name comes from | name derived from

position | playing position | position played | plays as | played as | field position |
player position | position on team | role on team | plays position | plays at | sports position |
position in team | football position

opened | year opened | inaugurated | opening | date opened | opened in | opening date | opened on
| opening year | date of opening | year of opening | inauguration | inaugurated in |
inauguration date | first opened | open since | when opened

cast member 4 | fourth cast member

built | constructed | year built | first built | build year | date built | built in |
constructed in | construction year | year of construction | date of construction |
construction date | construction | built year | erected | erected in | year constructed |
when built

notability | known for | noted for | notable for | famous for | best known for | claim to fame |
notable as | famed for | renowned for | reason for fame | remembered for

capital of | is the capital of | is capital of | capital city of | administrative center of |
administrative centre of | the capital of | serves as the capital of

performer | performer or agent | performing artist | original artist | performing artists |
performed by | sung by | singer | performers | vocalist | vocals by | performed | band or singer

network | channel | original channel | network/station | tv network | television network |
original network | broadcast by | broadcaster | aired by | tv channel | television channel |
aired on network | station network | airs on | broadcast on | broadcasting network

area | surface area | total area | land area | size | area size | area in km2 | area km2 |
area in square kilometres | area in square miles | square kilometres | square kilometers | extent
| surface

artist | artist/band | by artist | recording artist | musical artist | performed by artist |
artists | musician | music artist | album artist | artist name | song artist

defeated | beat | won against | won over | victory over

winner | champion | winner/s | champions | winners | winning team | won by | title winner |
who won | victor | won by team | championship winner

cast member 5 | fifth cast member

operator | operated by | run by | operators | managed by | operating company | maintained by

based in | headquarters | head office location | head office | headquartered in |
headquarters location | hq | main office | base | seat of company | headquarter |
headquartered at | company headquarters | located headquarters | location of headquarters |
head offices | headquarters city | has its headquarters in | home base | corporate headquarters |
base of operations | is based in | main offices

publisher | original game publisher | published by | publishing house | publishing company |
publishers | book publisher | game publisher | publisher name | publication house | who published
| press | imprint

represented | representing | represents | represented country | country represented

drafted by | original nfl team | selected by | drafted to | draft team | picked by

founder | founded by | founders | established by | created by founder | co-founder | cofounder |
started by | who founded | co-founders | cofounders | set up by | founding father | formed by |
founder of | founder name | name of founder | company founder

served as | served in the role of | worked in the role of

developer | developed by | developers | game developer | software developer | studio developer |
game studio | developed

end date | until | end | ending | ended | date ended | end year | finished on | ended on |
year ended | ending date | till | date of end | end time

start date | start | beginning | start year | began | date started | started | begins | begun |
started on | year started | starting date | starting year | from date | year began |
date of start | start time

language | original language | languages | spoken language | official language | in language |
language spoken | written language | language of work | written in language | film language |
language of film | speaks | native language | mother tongue | language of origin |
languages spoken | tongue

parent | parent company | parent organization | parent organisation | parent agency |
holding company | subsidiary of | owning company | mother company

college | college attended by player | college name

designer | design | designed by | design by | designers | who designed

county | counties | in county | county of | located in county | in the county of | which county

school | school attended | schools attended

created | date of creation | year created | date created | created in | year of creation |
creation date

county seat of | seat of county | is the county seat of

province | province or territory | province/territory | in province | located in province

capacity | stadium capacity | seating capacity | seats | number of seats | seating | holds |
how many seats | max capacity | maximum capacity | spectator capacity

college team | college club

region | regions | in region | located in region | geographic region

composer | songwriter | composed by | music by | score by | music composer | composers | music |
film score by | soundtrack by | music composed by | written and composed by | who composed |
film score | lyrics and music by

coach | head coach | trainer | coached by | trained by | team coach | coached

sport | sports | plays sport | sport played | kind of sport | game played | sport discipline

launched | year launched | launch date | launched in | date launched | launched on | launch |
launch year | date of launch

completed | year completed | completed in | completion date | date completed | completion |
completion year | year of completion | date of completion | finished

elevation | altitude | height above sea level | elev | elevation above sea level |
above sea level

stadium | arena | home ground | primary home ground | home stadium | ground | home venue |
plays home games at | home arena

spouse | husband | wife | married to | partner | spouses | married | spouse name |
husband or wife | consort | life partner | is married to | was married to | spouse of | wife of |
husband of | married with

service | branch | defence branch | navy | military service | service branch | military branch |
branch of service | armed service | branch of the military | served in branch | served in |
armed force

platform | platforms | original platform | console | operating system | gaming platform |
game platform | available on | runs on | computing platform

electoral district | constituency | riding | electorate | assembly constituency |
represented constituency | electoral division | voting district

season | seasons | season of

manufacturer | constructor | builder | manufactured by | built by | maker | constructed by |
manufacturers | shipbuilder | shipyard | made by company | produced by company | contractor

municipality | commune | in municipality | located in municipality | comune

runner-up | runners-up | runner up | runners up | second place | finalist

home city | hometown | home town/suburb | home town | comes from | from town

capital | capital city | has capital | seat of government

song | single | song title | track | song name

original title | title in the original language | native title | original name |
originally titled

district | in district | located in district

league | league/division | plays in league | sports league | competition | division of league |
competes in

origin | place of origin | origins | originated in | originates from | comes from origin |
originally from

character | characters | hero | main character | protagonist | main characters

incorporated | year incorporated | incorporated in | incorporation | date incorporated |
date of incorporation

from | coming from

scientific name | species | latin name | binomial name | taxon name | binomial

commissioned | year in service | commissioning date | in service from | date commissioned |
entered service | commissioned in

opponent | opponents | against | versus | played against | opposing team | vs

nickname | alternative name | nicknames | known as | also known as | aka | alias | other name |
alternate name | stage name | other names | pen name | pseudonym | nick name | sobriquet | called
| moniker

conference | primary conference | athletic conference

work | work title

role | prominent roles | notable roles | roles | played role | role in film | part played

affiliation | affiliate | affiliated with | affiliations

icao | icao code | airport code icao

format | radio format | station format | programming format

line | railway line | route line

field | discipline | field of study | field of work | academic discipline | research field |
area of expertise | field of research | area of study | studied | specialization | specialisation
| major | subject studied

major city | largest city | biggest city

branding | brand name | brand | branded as

to | going to

album | from album | from the album | on album | album name | appears on album | parent album

institution | institution name

host city | host location | city of event | host city of event

series | book series | series title | franchise | in series | part of series | book title series

place of action | location of action | where action took place

frequency | broadcast frequency | broadcasts on | radio frequency

host country | hosted by country | country hosting

code | acronym | abbr | abbreviation | code name

park | theme park | in park | amusement park

dissolved | abolished | disbanded | defunct | dissolution | year dissolved | date dissolved |
ceased | defunct since

residence | lives in | lived in | home | place of residence | resides in | residing in |
residency | city of residence | current residence

river | waterway | watercourse | on river | lies on river | body of water | on the river |
stands on river

year recorded | year of recording | recorded | recording year | recorded in | recording date

creator | creator/s | created by | creators | invented by | inventor | made by | conceived by |
devised by

film | movie | film title | movie title

first appearance | debut | debuted in | first appeared in | first seen in

airport name | airport

iata | iata code | airport code iata

range | mountain range | in mountain range

neighborhood | city/neighborhood | neighbourhood | quarter

conflict | war | battle | wars | battles | fought in | wars fought | conflicts | battles fought

host | presenter | presented by | hosted by | hosts | show host | tv host

unit | military unit | regiment

year discovered | year of discovery | date discovered | discovered | discovery date |
discovered in | discovery year

island | on island | located on island | island name

source of wealth | sources of wealth | wealth from | made money from

spans | river crossed | stream crossed | crosses | crosses over | bridge over | spans river |
obstacle crossed

station | railway station | train station

family | relative | relatives | related to

first elected | elected | elected in | year elected | year first elected

book | novel | book title

closed | year closed | closed in | closing date | date closed | closure | closed on |
date of closure

age | years old | how old | aged

purpose | use | used for | function | uses

industry | business | sector | line of business | branch of industry | business sector |
industries | field of business

studio | production company | film studio | production companies | produced by studio | studios |
production studio | movie studio

diocese | archdiocese or diocese | archdiocese

horse | winning horse

successor | succeeded by | next office holder | followed by

drains into | emptying into | mouth | river mouth | flows into | empties into |
mouth of the river | tributary of | outflow | discharges into | flows to | falls into | joins

assigned aircraft | aircraft

university | university name

incumbent | current holder | officeholder | holder

carries | carries road | carries traffic

length | long | how long | total length

fate | what happened | outcome

seat | country seat

country of birth | nation of birth | birth country | born in country

law school | law school attended

first broadcast | first aired | original air date | air date | aired on | first air date

height | tall | how tall

action | done action

notable works | notable work | best known work | famous works | major works | works

grade | rank | military rank | army rank

libretto | lyricist | lyrics by | lyrics | words by | librettist

route | road | highway

call letters | call sign | callsign

continent | in continent | on continent

leader | leader name | led by | head | chief | leadership | headed by | leaders

architect | architects | architect of building | designed by architect | building architect |
chief architect

degree | academic degree | degrees

chairperson | chairman | chair | chairwoman | chaired by

language family | family of language

religious affiliation | denomination | religion | faith | religious denomination | creed |
church affiliation

sponsor | sponsored by | sponsors

high school | secondary school | high school attended

architectural style | architecture | architecture style | building style

son | sons

driver | racing driver | drivers

discovered by | discoverer | found by | who discovered

president | presidents | presided by

common name | vernacular name

place of discovery | discovered at | discovery site | where discovered

jockey | rider

member | members | band member | band members | team members | group members | consists of

conservation status | iucn status | endangered status | red list status

chef | head chef

cause of death | death cause | manner of death | died of | died from

airlines | airline | carriers

license | licence | licensed under

total basin area | drainage basin | basin | river basin | basin area

sculptor | sculpted by

native-language name | native name | local name

affiliated league | league affiliation

state of birth | birth state

birth name | born as | name at birth | maiden name | full birth name | née | nee

ethnicity | ethnic group | ethnic origin | race or ethnicity

based on | adapted from | adaptation of | source material | based upon | inspired by

products | product | makes | produces | main product

distributor | distributed by | distribution | distribution company

parents | child of | son of | daughter of | parentage

father | dad | father's name | name of father

mother | mum | mom | mother's name | name of mother

child | children | father of | mother of | offspring | kids

daughter | daughters

sibling | siblings | brother of | sister of

brother | brothers

sister | sisters

predecessor | preceded by | previous office holder | precursor

captain | team captain

employer | employed by | works for | worked for | worked at | works at | employers | employed at

ceo | chief executive | chief executive officer | managing director

mayor | mayor name

currency | money | monetary unit | currency used

time zone | timezone

postal code | zip code | postcode | zip

area code | dialling code | dialing code | phone code

website | url | homepage | official website | web site | web page

source of river | river source | origin of river | headwaters | rises in | spring source |
headwater

net worth | worth | fortune | wealth

editor | edited by | editors | film editor

cinematographer | cinematography | photographed by | director of photography | cinematography by

narrator | narrated by | narration by

translator | translated by

illustrator | illustrated by | illustrations by

episodes | number of episodes | episode count

pages | number of pages | page count

isbn | isbn number

running time | runtime | duration | film length | run time | how many minutes

budget | film budget | production budget | cost

box office | gross | earnings | box office gross

employees | number of employees | staff | workforce | staff size | headcount of company

revenue | turnover | sales | annual revenue | income

motto | slogan

instrument | instruments | plays instrument | instrument played | plays the

voice type | vocal range

painter | painted by
"""
