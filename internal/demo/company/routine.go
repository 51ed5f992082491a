package company

import (
	"fmt"
	"strings"
)

// routine adds the mail that arrives by itself: orders of the web shop, parcels, figures, notices.
func (w *world) routine() {
	w.orders()
	w.figures()
	w.notices()
}

// post files a mail of a machine.
func (w *world) post(from, folder string, days, minutes int, subject, text, accent string, options []string, attached ...attachment) {
	w.count++
	text = w.fill(text)
	l := &letter{from: w.people[from], to: []Person{w.people["mara"]}, subject: subject, date: w.at(days, minutes), text: toPlain(text) + "\n", attachments: attached}
	if from == "shop" {
		l.to = []Person{w.people["sales"]}
	}
	if accent != "" {
		l.html = toHTML(text, accent)
	}
	l.id = w.messageID(l.from, l.date)
	l.headers = []string{"Auto-Submitted: auto-generated", "Precedence: bulk"}
	if days > 4 {
		options = append(options, "read")
	}
	m := &mailText{options: options}
	if days <= 1 {
		m.options = append(m.options, "unread")
	}
	w.file(l, m, folder, false)
}

type item struct {
	name  string
	price int // pounds
}

// orders are the web shop's, each followed by the parcel service's word.
func (w *world) orders() {
	buyers := []string{"Agnes Thorley", "Bartholomew Pike", "Chiara Donati", "D. Okonkwo", "Erik Sandström", "Fatima Rahimi", "Gwen Llewellyn", "Henrik Bruun", "Isla McAra",
		"Joana Teixeira", "Kamil Nowak", "Lotte de Wit", "Malik Osei", "Nell Harrow", "Oskar Lehmann", "Philippa Stone", "Quentin Marsh", "Rosa Albarrán", "Søren Holt", "Thea Blackwood"}
	towns := []string{"Whitby", "Aberfeldy", "Norwich", "Kirkwall", "Ludlow", "Falmouth", "Hebden Bridge", "Ghent", "Utrecht", "Aarhus", "Porto", "Leipzig"}
	goods := []item{{"Wren, frame, slate, 54 cm", 640}, {"Heath, frame, moss green, 56 cm", 780}, {"Heath, frame, buttermilk, 52 cm", 780}, {"Fork, 28 inches, unpainted", 145},
		{"Saddle, honey leather", 96}, {"Bell, brass", 18}, {"Mudguards, 45 mm", 52}, {"Touch-up paint, moss green, 10 ml", 7}, {"Basket, willow", 64}, {"Wheel, front, hand-built", 185},
		{"Cap, wool, one size", 24}, {"Bar tape, cotton, heather", 14}}
	for i := range 46 {
		days, minutes := 2*i+w.rand.IntN(2), 420+w.rand.IntN(240)
		who, town := buyers[w.rand.IntN(len(buyers))], towns[w.rand.IntN(len(towns))]
		number, total := 20470-i*7, 0
		var lines strings.Builder
		for k := range 1 + w.rand.IntN(3) {
			g := goods[(w.rand.IntN(len(goods))+k)%len(goods)]
			n := 1
			if g.price < 60 {
				n += w.rand.IntN(3)
			}
			total += n * g.price
			fmt.Fprintf(&lines, "| %d × | %s | £ %d.00\n", n, g.name, n*g.price)
		}
		w.post("shop", "Shop orders", days, minutes, fmt.Sprintf("Order %d: %s, %s", number, who, town),
			fmt.Sprintf("# Order %d\n\n**%s**, %s\n\n%s| | Total | **£ %d.00**\n\nPaid by card. Please dispatch within two working days.", number, who, town, lines.String(), total), "#2f6f4f", []string{"kw=ShopOrder"})
		if i%3 != 0 && days > 1 {
			w.post("parcels", "Shop orders/Dispatched", days-1, 960+w.rand.IntN(100), fmt.Sprintf("Your parcel NB%09d GB is on its way", 402_000_000+number*13),
				fmt.Sprintf("Hello,\n\nwe have collected your parcel **NB%09d GB** (your reference: order %d).\n\n| From | Brambleford Cycle Works, The Old Mill\n| To | %s, %s\n| Weight | %d.%d kg\n| Expected | {d %d}, before 18:00\n\nNorthbridge Parcels. We knock twice.",
					402_000_000+number*13, number, who, town, 1+w.rand.IntN(9), w.rand.IntN(10), days-3), "", nil)
		}
	}
}

// figures are Priya's, every Friday, with a table and a chart.
func (w *world) figures() {
	remarks := []string{
		"Quiet week, good margin. The bells carry us.", "Two Heaths went to Ghent, the rest is mudguards.", "Somebody bought eleven caps. I did not ask.",
		"Refund for order 20211 is in here, that is the dip.", "Best week since the summer. Owen has asked for a second trolley.", "Steel invoice came early, so the cash line looks worse than it is.",
		"Nothing remarkable, which is a remark too.", "The school paid its deposit.", "I have moved freight into its own column, as we said.", "Whoever ordered tea on the company card: it is fine, but tell me first.",
	}
	accumulated := []int{}
	for week := 17; week >= 0; week-- {
		d := workday(w.base, 1+5*week)
		frames, parts, service := 4+w.rand.IntN(9), 900+w.rand.IntN(1900), 300+w.rand.IntN(500)
		revenue := frames*690 + parts + service
		accumulated = append(accumulated, revenue)
		if len(accumulated) > 8 {
			accumulated = accumulated[1:]
		}
		_, number := d.ISOWeek()
		csv := "line;pieces;revenue\r\nFrames;" + fmt.Sprint(frames, ";", frames*690) + "\r\nParts;;" + fmt.Sprint(parts) + "\r\nService;;" + fmt.Sprint(service) + "\r\nTotal;;" + fmt.Sprint(revenue) + "\r\n"
		w.count++
		l := &letter{from: w.people["priya"], to: []Person{w.people["tom"], w.people["mara"]}, cc: []Person{w.people["ayesha"]}, subject: fmt.Sprintf("Figures, week %d", number), date: w.at(1+5*week, 995+w.rand.IntN(30))}
		l.id = w.messageID(l.from, l.date)
		text := fmt.Sprintf("Hello both,\n\nthe week in three lines:\n\n| Frames | %d pieces | £ %d\n| Parts | | £ %d\n| Service | | £ %d\n\n**Together £ %d.** %s\n\n[cid:weeks.png]\n\nThe table is attached.\n\nPriya",
			frames, frames*690, parts, service, revenue, remarks[week%len(remarks)])
		l.text, l.html = toPlain(text)+"\n", toHTML(text, "#33507a")
		l.inline = []attachment{{"weeks.png", "image/png", "weeks.png", bars(accumulated, 0x33507a)}}
		l.attachments = []attachment{{name: fmt.Sprintf("week-%02d.csv", number), typ: "text/csv; charset=utf-8", data: []byte(csv)}}
		m := &mailText{}
		if week == 0 {
			m.options = []string{"unread"}
		}
		w.file(l, m, "Figures", false)
	}
}

// notices are the bank's and the hosting's.
func (w *world) notices() {
	for month := range 4 {
		days := 6 + 21*month
		d := workday(w.base, days)
		name := d.AddDate(0, -1, 0).Format("January 2006")
		w.post("bank", "Accounts", days, 370, "Your statement for "+name+" is ready",
			"Dear customer,\n\nyour statement for account ending 4471 is attached.\n\nHarbour & Vale Bank will never ask for your password by mail.", "", nil,
			attachment{name: "Statement " + d.AddDate(0, -1, 0).Format("2006-01") + ".pdf", typ: "application/pdf", data: pdf("Harbour & Vale Bank", []string{
				"Statement " + name, "Account ending 4471", "", "Brought forward        GBP " + fmt.Sprintf("%d.%02d", 18000+w.rand.IntN(9000), w.rand.IntN(100)),
				"Paid in                GBP " + fmt.Sprintf("%d.%02d", 21000+w.rand.IntN(9000), w.rand.IntN(100)), "Paid out               GBP " + fmt.Sprintf("%d.%02d", 20000+w.rand.IntN(9000), w.rand.IntN(100))})})
	}
	for i, s := range []struct {
		days    int
		subject string
		text    string
	}{
		{31, "[Resolved] Slow answers of node 7", "Answers of node 7 were slow between 02:10 and 02:50. A disk was replaced. Nothing was lost."},
		{22, "Maintenance of the data base cluster", "On {d 18} between 05:00 and 06:00 the data base cluster will be updated. Your shop stays readable; orders are queued."},
		{18, "[Done] Maintenance of the data base cluster", "The update took eleven minutes. Thank you for your patience."},
		{9, "Your certificate was renewed", "The certificate of shop.brambleford.example was renewed and is valid for another 90 days. You need not do anything."},
		{3, "[Investigating] Mail delays", "Mail from some providers arrives late. We are looking into it and write again within the hour."},
		{3, "[Resolved] Mail delays", "A name server of a provider answered late. All queued mail was delivered by 11:25."},
	} {
		w.post("hosting", "IT", s.days, 430+i*47, s.subject, s.text+"\n\nFernhill Hosting, operations", "", nil)
	}
}
