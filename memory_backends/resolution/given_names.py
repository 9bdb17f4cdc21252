"""Common given names: a typing error never turns one of them into another.

"Maria" is one letter from "Marie", and yet nobody's slip. Counted over the titles of the
training corpus's biographies.
"""

from __future__ import annotations

from functools import lru_cache

_NAMES = """
aaron abdel abdul abdullah abel abijah abner abraham abram absalom adam addison adelaide adil
adnan adolf adolph adrian adriana adriano agnes agnieszka agustin ahmad ahmed ahmet aidan ajay
akira alain alan alban albert alberto albin albrecht aldo alec alejandro aleksandar aleksander
aleksandr aleksandra aleksei aleksey alessandro alessia alex alexa alexander alexandra alexandre
alexandru alexei alexey alexis alfonso alfred alfredo algimantas alice alicia alina alireza alisa
alison alistair alla allan allen allison alois alonzo alphonse alphonso alton alva alvah alvan
alvaro alvin alyson alyssa amanda amasa amber ambrose amir amos anastasia anatoliy anatoly anders
anderson andre andrea andreas andree andrei andres andrew andrey andris andriy andrzej andy
anette angel angela angelica angelika angelo angie angus anibal anil anita anja anna anne
annemarie annette annie annika anson ante anthony antoine anton antoni antonio antony antti
archduke archibald archie arianna ariel arlen armand armando armin armistead arnaldo arnaud arne
arno arnold aron arshad artem artemas arthur artur arturo arvid asher ashleigh ashley ashraf
ashton astrid atsushi audrey august augustin augustine augusto augustus austin axel aziz babe
bailey barbara barney baron baroness barry bart basil beat beatrice beau becky bela belinda belle
benedict bengt benigno benito benjamin bennett benny benoit bernard bernardo bernd bernhard
bernie bert bertie bertil bertram bertrand beryl beth betsy bettina betty beverly bill billie
billy birger birgit bishop bjorn blair blake blue bobbie bobby bogdan bohdan bojan bonnie booker
boris borislav boyd brad bradley brady brandon branislav branko brazo brenda brendan brendon
brent bret brett brian bridget brigitte brittany brock brodie brooke bruce bruno bryan bryant
bryce bryn bubba buck buddy burt burton burwell buster butch butler byron cadwallader caesar
caleb callum calvin cameron camille camilo campbell candice carey carl carla carlo carlos carlton
carly carmen carol carole caroline carolyn carrie carroll carson carsten carter cary casey cass
catherine cathy cecil cecilia cedric celine celso cesar cesare chad chan chandra chang chantal
charles charley charlie charlotte chase chauncey chelsea chen cheng cheryl chester chet chiara
chico chief chip chloe choi chris christa christian christie christina christine christoph
christophe christopher christos christy chuck chung cindy clair claire clara clare clarence clark
claude claudia claudio claus clay clayton clem clemens clement cleo cleveland cliff clifford
clifton clint clinton clive clyde coco cody cole coleman colin colleen collin colm colt connie
conor conrad constance constantin constantine corey corinne cornelia cornelius corrado cory
countess courtney craig cristian cristiano cristina crown crystal curt curtis cynthia cyril cyrus
daisuke dale dallas damian damien damir damon dana dane dani daniel daniela daniele danielle
danilo danny dario darius darko darnell darrell darren darrin darryl darwin darya daryl dave
davey david davide davis davy dawn dean debbie deborah debra declan dejan delia demetrius denis
denise dennis denny denver denys deon derek derrick desmond devin devon dewey dexter diana diane
dianne dick didier diego dieter dietrich dillon dimitri dimitrios ding dino dion dirk dmitri
dmitriy dmitry dmytro domenico domingos dominic dominique donald donna donnie donovan dorde doris
dorothy doug douglas dragan drew duane duchess dudley duke dumitru duncan dusan dustin dwayne
dwight dylan eamon eamonn earl earle eben ebenezer ebrahim eddie eddy edgar edith edmond edmund
edna edoardo edouard edson eduard eduardo edward edwin egbert egon eiji eileen einar ekaterina
elaine elbert elbridge eldon eleanor elector elena elia elias elihu elijah elio eliot elisa
elisabeth elise elisha eliza elizabeth ella ellen elliot elliott ellis elmer elsa elton elvis
emanuel emanuele emerson emil emile emilia emiliano emilio emily emma emmanuel emmett emory
emperor enrico enrique enzo eoin ephraim erasmus erastus eric erich erick erik erika erin erling
ernest ernesto ernie ernst erwin esteban esther ethan ethel etienne ettore eugen eugene evan
evans evelyn everett evgeni evgenia evgeny ezekiel ezra fabian fabiano fabio fabrice fabrizio
faith fanny farhad federico felicity felipe felix ferdinand ferenc fernand fernando filip filippo
finn fiona flora florence florent florian floyd folke forrest fort fran frances francesca
francesco francis francisco franck franco francois frank frankie franklin frans franz fred
freddie freddy frederic frederick fredrik fredy freeman friedrich fritz frode fujiwara gabby gabe
gabriel gabriela gabriele gabriella gabrielle gail gale galina gareth garret garrett garry garth
gary gaston gavin geir gemma gene genevieve gennady geoff geoffrey georg george georges georgia
georgios gerald geraldine gerard gerhard german gerrit gerry gert gertrude gheorghe giacomo
giancarlo gianluca gianni gideon gigi gilbert giles gilles gillian gina gino giorgi giorgio
giovanni giuseppe gladys glen glenn gloria godfrey gong gonzalo goran gordon gosta gottfried
gouverneur grace graeme graham grand grant green greg gregg gregor gregorio gregory gretchen
guido guillaume guillermo gunn gunnar gunter gunther gustaf gustav gustave gustavo gustavus gwen
gyorgy hadi hakan halil hamid hamilton hamish hank hanna hannah hannibal hannu hans hansjorg
harald harlan harley harold harri harriet harris harrison harry hart harvey hasan hassan hayden
hayley hazel heath heather hector heidi heinrich heinz helder helen helena helene helga helmut
heman hendrik henk henri henrik henrique henry herb herbert hereditary herman hermann hernan
herschel herve hezekiah hideki hilary hillary hiram hiroshi hiroyuki hjalmar hoang holly homer
horace horatio horst hosea hossein howard howell huang hubert hugh hugo humberto humphrey hunter
hwang iain ibrahim ignacio igor ihor ilija ilya imanol imogen imran indra inga ingo ingrid ioan
ioannis irene irina iris irvin irving irwin isaac isabel isabella isabelle isaiah ismael israel
istvan ivan ivana ivar iveta ivica jabari jabez jacek jack jackie jackson jacob jacqueline
jacques jade jaime jake jakob jakub jamaal james jamie jana jane janet janez jang jani janice
janine janis janne janos jared jaroslav jarrad jarrod jason jasper javier jayson jean jeanette
jeanne jeannie jeff jefferson jeffrey jelena jenkin jenna jennifer jenny jens jeong jeremiah
jeremy jermaine jeroen jerome jerry jerzy jesper jess jesse jessica jessie jesus jiang jill
jillian jimmie jimmy jiri joachim joan joanna joanne joao joaquim joaquin jocelyn jochen jodie
jody joel joey johan johann johanna johanne johannes john johnnie johnny johnson jonah jonas
jonatan jonathan jonathon joni jonny jordan jordi jorg jorge jorgen jose josef josep joseph
josephine josh joshua josiah joyce jozef jozsef juan judah judith judson judy juha jukka jules
julia julian julie julien juliet julio julius june junior juraj jurgen juri justin justine kamal
kamil kane kang kara karel karen kari karim karin karina karl karol karolina kasey katarina kate
katerina katharina katharine katherine kathleen kathryn kathy katie katja katrin kees keith kelli
kellie kelly kelvin kendall kenneth kenny kent keri kerry kerstin kevin khairul khaled khalid
khalil kieran kimberly kingsley kirby kirill kirk kirsten kirsty kitty kjell kjetil klara klaus
knut koen kofi koji konrad konstantin kris kristen kristian kristin kristina krzysztof ksenia
kurt kwame kyle kylie laban ladislav lafayette laila lamar lance landgrave landgravine lane lara
larry lars laszlo laura lauren laurence laurent laurie lawrence lazarus leah leandro lefty leif
leigh leland lemuel lena lenka lennart lenny leon leonard leonardo leonel leonid leonidas leopold
leroy lesley leslie lester levi lewis liam liang libby lidia lilian liliana lily lina lincoln
linda lindsay lindsey linn linus lionel lisa list little littleton liza lloyd logan lois lonnie
loren lorenz lorenzo loretta lori lorraine lothar louie louis louisa louise luca lucas lucia
lucian luciana luciano lucien lucius lucy ludmila ludovic ludwig luigi luis luiz luka lukas luke
luther lydia lyle lyman lynda lynden lynn lynne lyubov lyudmila mabel mack mackenzie madeleine
madison mads magda magdalena maggie magne magnus mahlon mahmoud mairead maja maksim malcolm malik
mamadou mandy manfred manny manu manuel manuela marc marcel marcelo marcia marcin marcio marco
marcos marcus marek margaret margarita margot mari maria marian marianne mariano marie marilyn
marina mario marion marisa marit marius mariya marjorie mark markku marko markus marleen marlene
marlon marquess marsha marshall marta martha martin martina marty martyn marvin mary mason
massimo matej mathew mathias mathieu matias mats matt matteo matthew matthias matti mattias
maureen maurice mauricio maurizio mauro maxim maxime maximilian maya meaghan megan meghan mehdi
mehmet melanie melinda melissa melvin mercedes meredith merv mervyn micah michael michal michel
michele michelle mick mickey miguel mika mikael mike mikhail mikko mila milan miles milo milorad
milos milt milton mimi minamoto miodrag miranda miriam mirko miroslav missy mitch mitchell
mohamed mohammad mohammed mohd mohsen moises molly mona monica monika monique monroe monty moon
morgan morris morten morton moses muhammad munir murad murder muriel murray mustafa mylene myles
myron nadezhda nadia nadine nana nancy naomi napoleon nasser natalia natalie nataliya natalya
natasha nate nathalie nathan nathaniel neal neha nehemiah neil nellie nelly nelson nemanja nenad
nestor neville newton nguyen nicholas nick nicklas nicky nico nicola nicolai nicolas nicole niels
nigel niki nikita nikki niklas nikola nikolai nikolay nikos nils nina nino noah noble noel nora
norbert norm norma norman norris norton nuno obadiah octavia octavio oficial ogden oksana olaf
oleg oleksandr olena olga olin oliver olivia olivier olle ollie omar ondrej oren orlando orrin
orson orville oscar oskar oswald otha otis otto oussama owen oxford pablo paddy paige pamela
paola paolo park parker pascal patrice patricia patrick patrik patsy patti patty paul paula
paulina pauline paulo pavel pawel pedro peggy pekka peleg pelle penelope penny percy perry petar
pete peter peterson petr petra petter peyton pham phil philemon philip philipp philippe phillip
philo phineas phyllis pierce piero pierre piers pieter pietro piotr porter poul predrag presley
preston priscilla quentin quincy rachel rachid rafael ragnar rahul rainer ralf ralph ramesh
ramiro ramon randall randolph randy raoul raphael raquel rashid rasmus raul ravi raymond rebecca
reggie regina reginald regis reid reidar reinhard reinhold renaldo renata renato rene renee renzo
reuben reza rhys ricardo riccardo rich richard richie rick ricky rico risto rita ritchie roald
roar robb robbie robert roberta roberto robin rocky roderick rodger rodney rodolfo rodrigo roger
roland rolando rolf rollin romain roman romeo ronald ronnie ronny rory rosa rosario roscoe rose
rosemary rosie ross roswell rowland royal ruben ruby rudi rudolf rudolph rudy rufus ruggero rune
rupert rush ruslan russ russell rusty ruth ruud ryan ryszard sabine sabrina sacha saeed saleem
salim sally salvador salvatore samantha sami samir sammy samson samuel sandeep sandor sandra
sandy sanjay sanna santiago sara sarah sasa sasha saul scott scotty seamus sean sebastian
sebastien serena serge sergei sergey sergio serhiy seth seymour shahid shane shannon sharon shaun
shawn shayne shea sheila shelby sheldon shelley shelly shen sherman sheryl shin shingo shirley
shlomo sidney sigurd silas silvana silver silvia silvio simeon simon simona simone skip slobodan
smith sofia solomon song sonia sonny sophia sophie soren speedy spencer spike srdan stacey stacy
stan stanislav stanislaw stanley stavros stefan stefania stefanie stefano steffen stella stephan
stephane stephanie stephen sterling stevan steve steven stevenson stewart stig stuart sultan
summer sunny super susan susanna susanne suzanne sven sverre svetlana sydney syed sylvain
sylvester sylvia sylvie takashi takeshi takuya tamara tammy tang tania tanja tanya tapio tara
tariq tatiana tatjana tatyana taylor teddy teemu terence teresa teri terrell terrence terri terry
tessa tetyana thaddeus theo theodor theodore theresa therese theron thiago thierry thomas thor
tiago tiffany tigran timo timothy tina tino tito tobias toby todd tomas tomasz tomi tomislav
tommy toni tony tonya tore tori torsten tracey tracy travis trent trevor trey tricia tristan
trond troy truman tyler tyrone tyson ulrich ulrike ulysses umberto urban uriah ursula valentin
valentina valentine valeri valeria valerie valerio valery vance vanessa vasiliy vaughn vera vern
vernon veronica veronika veronique veselin vicente vicki victor victoria vijay viktor viktoria
ville vilma vince vincent vincenzo viola virgil virginia vitali vitaliy vito vivian vladimir
vladislav volha volodymyr vyacheslav wade waldemar waldo walker wallace wally walt walter wanda
wang warren warwick washington wayne weldon wellington wendell wendy werner wesley whitney
wilbert wilbur wiley wilfred wilfried wilhelm will willard william willie willis willy wilson
wilton winfield winston wojciech wolfgang wong woodrow woody wouter xavier yang yannick yegor
yekaterina yelena yevgeni yevgeny yolanda yoon youssef yuan yuki yukio yulia yuliya yuri yuriy
yury yves yvette yvon yvonne zach zachary zack zarko zdenek zdravko zebulon zeljko zhang zhao
zheng zhou zinaida zlatko zoltan zoran zuzana
"""


def is_given_name(word: str) -> bool:
    """True for a folded word that many people bear as their first name."""
    return word in _given_names()


@lru_cache(maxsize=1)
def _given_names() -> frozenset[str]:
    return frozenset(_NAMES.split())
