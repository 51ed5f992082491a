package company

import "strings"

const (
	firm   = "Brambleford Cycle Works"
	domain = "brambleford.example"
)

// everybody is the cast: key, name, address, organisation, title, telephone (numbers reserved for fiction), note.
func everybody() []Person {
	var out []Person
	for line := range strings.Lines(cast) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) == 7 {
			out = append(out, Person{f[0], f[1], f[2], f[3], f[4], f[5], f[6]})
		}
	}
	return out
}

const cast = `
mara|Mara Lindqvist|mara@brambleford.example|Brambleford Cycle Works|Sales and operations|+44 1632 960 102|
tom|Tom Whitlock|tom@brambleford.example|Brambleford Cycle Works|Founder, managing director|+44 1632 960 101|Prefers a call to a long mail.
jonas|Jonas Abeking|jonas@brambleford.example|Brambleford Cycle Works|Workshop lead|+44 1632 960 103|
ines|Inês Carvalho|ines@brambleford.example|Brambleford Cycle Works|Frame design|+44 1632 960 104|Lisbon hours on Mondays.
priya|Priya Raman|priya@brambleford.example|Brambleford Cycle Works|Accounts|+44 1632 960 105|
wiktor|Wiktor Zieliński|wiktor@brambleford.example|Brambleford Cycle Works|Frame builder|+44 1632 960 106|
ayesha|Ayesha Khan|ayesha@brambleford.example|Brambleford Cycle Works|Purchasing|+44 1632 960 107|
luke|Luke Ferreira|luke@brambleford.example|Brambleford Cycle Works|Web shop and IT|+44 1632 960 108|
hana|Hana Dvořáková|hana@brambleford.example|Brambleford Cycle Works|Marketing and events|+44 1632 960 109|
owen|Owen Pritchard|owen@brambleford.example|Brambleford Cycle Works|Warehouse and dispatch|+44 1632 960 110|In from 07:00, gone by 15:30.
petra|Petra Hollenbeck|petra.hollenbeck@radhaus-lindenhof.example|Radhaus Lindenhof|Inhaberin|+49 30 23125 014|Orders by the dozen, moss green. Pays on the day.
claire|Claire Fontanel|claire@cycles-fontanel.example|Cycles Fontanel|Gérante|+33 1 99 00 12 34|
kasia|Katarzyna Wrońska|k.wronska@rowerownia-wislana.example|Rowerownia Wiślana|Właścicielka|+48 22 555 01 87|
kenji|森田 健二|morita@midori-jitensha.example|緑自転車商会|仕入担当|+81 3 5550 0142|Kenji Morita. Nine hours ahead of us.
layla|ليلى حداد|layla@daraja-amman.example|دراجة عمّان|المديرة|+962 6 555 0119|Layla Haddad. Writes Arabic to the shop, English to me.
dave|Dave Ostler|dave@ostler-and-daughter.example|Ostler & Daughter|Shopkeeper|+44 1632 960 233|
ruth|Ruth Abernathy|head@saltmarsh-primary.example|Saltmarsh Primary School|Head teacher|+44 1632 960 251|
marit|Marit Solheim|marit@havnesykkel.example|Havnesykkel|Daglig leder|+47 55 50 01 73|
enzo|Enzo Bellandi|enzo@tubi-bellandi.example|Tubi Bellandi|Vendite|+39 06 5550 0188|Closed for three weeks in August, whatever he says.
grace|Grace Liu|grace.liu@sunhold-hubs.example|Sunhold Hubs|Key accounts|+886 2 5550 0136|
fritz|Friedrich Ammann|f.ammann@ammann-lacke.example|Ammann Lacke|Technischer Vertrieb|+49 30 23125 087|
sam|Sam Tully|sam@coppice-leather.example|Coppice Leather|Saddler|+44 1632 960 277|
sabine|Sabine Kroll|s.kroll@rheinvelotage.example|Rhein-Velo-Tage|Ausstellerbetreuung|+49 30 23125 055|
noor|Noor El-Amin|noor.elamin@post.example||Applicant, frame builder|+44 7700 900 144|
callum|Callum Reeve|callum.reeve@post.example||Applicant, frame builder|+44 7700 900 161|
elin|Elin Lindqvist|elin@lindqvist.example|||+46 8 465 004 12|My sister.
greta|Greta Moss|greta@millrace-estates.example|Millrace Estates|Property manager|+44 1632 960 290|
fair|Rhein-Velo-Tage|newsletter@rheinvelotage.example||||
spoke|The Spoke Letter|letter@spokeletter.example||||
guild|Steel Frame Guild|secretary@steelframeguild.example||||
parcels|Northbridge Parcels|tracking@northbridge-parcels.example||||
bank|Harbour & Vale Bank|notices@harbourvale.example||||
shop|Brambleford web shop|shop@brambleford.example||||
hosting|Fernhill Hosting|status@fernhill-hosting.example||||
sales|Sales|sales@brambleford.example||||
all|Everybody|all@brambleford.example||||
`
