package company

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A story file holds threads:
//
//	=== Subject
//	folder: Customers/Somebody
//	--- from > to, to cc whom | 12 09:30 | star, unread, html=#2f6f4f, charset=iso-8859-1, kw=Invoice
//	Text of a mail of 12 working days ago. {d 3} is the date three working days ago, {d -3} the one in three.
//	@pdf Name.pdf | Title | line | line
//
// People are named by their keys. A mail that follows another in a thread answers it; "new" among the options says that
// it does not, "bare" leaves out what it answers. What mara writes goes to Sent.

// mailText is one mail of a story.
type mailText struct {
	from     string
	to, cc   []string
	days     int
	minutes  int
	options  []string
	body     []string
	attached []string // the lines that begin with "@"
}

func (m *mailText) option(name string) (string, bool) {
	for _, o := range m.options {
		if o == name {
			return "", true
		}
		if v, ok := strings.CutPrefix(o, name+"="); ok {
			return v, true
		}
	}
	return "", false
}

// tell reads a story file and writes its mails.
func (w *world) tell(file, text string) error {
	for i, thread := range strings.Split("\n"+text, "\n=== ")[1:] {
		head, rest, _ := strings.Cut(thread, "\n--- ")
		subject, head, _ := strings.Cut(head, "\n")
		folder := "INBOX"
		if f, ok := strings.CutPrefix(strings.TrimSpace(head), "folder: "); ok {
			folder = f
		}
		var mails []mailText
		for _, s := range strings.Split(rest, "\n--- ") {
			m, err := parseMail(s)
			if err != nil {
				return fmt.Errorf("%s, thread %d %q: %w", file, i+1, subject, err)
			}
			mails = append(mails, m)
		}
		if err := w.thread(subject, folder, mails); err != nil {
			return fmt.Errorf("%s, thread %d %q: %w", file, i+1, subject, err)
		}
	}
	return nil
}

func parseMail(s string) (m mailText, err error) {
	head, body, _ := strings.Cut(s, "\n")
	f := strings.Split(head, "|")
	if len(f) != 3 {
		return m, fmt.Errorf("%q needs three fields", head)
	}
	from, to, _ := strings.Cut(f[0], ">")
	m.from = strings.TrimSpace(from)
	to, cc, _ := strings.Cut(to, " cc ")
	m.to, m.cc, m.options = split(to), split(cc), split(f[2])
	var h, min int
	if _, err := fmt.Sscanf(strings.TrimSpace(f[1]), "%d %d:%d", &m.days, &h, &min); err != nil {
		return m, fmt.Errorf("%q is not a time: %w", f[1], err)
	}
	m.minutes = 60*h + min
	for line := range strings.SplitSeq(strings.TrimSpace(body), "\n") {
		if strings.HasPrefix(line, "@") {
			m.attached = append(m.attached, line[1:])
		} else {
			m.body = append(m.body, line)
		}
	}
	return m, nil
}

func split(s string) []string {
	var out []string
	for p := range strings.SplitSeq(s, ",") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// persons looks keys up.
func (w *world) persons(keys []string) ([]Person, error) {
	var out []Person
	for _, k := range keys {
		p, ok := w.people[k]
		if !ok {
			return nil, fmt.Errorf("nobody is called %q", k)
		}
		out = append(out, p)
	}
	return out, nil
}

// thread writes the mails of a thread.
func (w *world) thread(subject, folder string, mails []mailText) error {
	subject = w.fill(subject)
	var before *letter
	signed := map[string]bool{}
	for i := range mails {
		m := &mails[i]
		l := &letter{subject: subject, date: w.at(m.days, m.minutes)}
		from, err := w.persons([]string{m.from})
		if err != nil {
			return err
		}
		l.from = from[0]
		if l.to, err = w.persons(m.to); err != nil {
			return err
		}
		if l.cc, err = w.persons(m.cc); err != nil {
			return err
		}
		w.count++
		l.id = w.messageID(l.from, l.date)
		l.charset, _ = m.option("charset")
		body := strings.TrimSpace(w.fill(strings.Join(m.body, "\n")))
		if v, ok := m.option("mailer"); ok {
			l.headers = append(l.headers, "User-Agent: "+v)
		}
		if v, ok := m.option("list"); ok {
			l.headers = append(l.headers, "List-Id: <"+v+">", "List-Unsubscribe: <https://"+v+"/unsubscribe>")
		}
		if l.from.Title != "" && !signed[m.from] {
			signed[m.from] = true
			body += "\n\n-- \n" + l.from.Name + "\n" + l.from.Title
			if l.from.Organisation != "" {
				body += ", " + l.from.Organisation
			}
			if l.from.Phone != "" {
				body += "\n" + l.from.Phone
			}
		}
		accent, rich := m.option("html")
		if rich {
			l.html = toHTML(body, accent)
			body = strings.TrimSpace(toPlain(body))
		}
		if _, isNew := m.option("new"); before != nil && !isNew {
			l.references = append(slices.Clone(before.references), before.id)
			if !strings.HasPrefix(subject, "Re: ") && !strings.HasPrefix(subject, "AW: ") {
				l.subject = "Re: " + subject
			}
			if _, bare := m.option("bare"); !bare && !rich {
				body += "\n\n" + quote(before)
			}
		}
		l.text = body + "\n"
		if err := w.attach(l, m.attached); err != nil {
			return err
		}
		w.file(l, m, folder, i+1 < len(mails) && mails[i+1].from == "mara")
		before = l
	}
	return nil
}

// file puts a letter where the demo person has it.
func (w *world) file(l *letter, m *mailText, folder string, answered bool) {
	var flags []string
	if f, ok := m.option("folder"); ok {
		folder = f
	}
	if _, unread := m.option("unread"); !unread {
		flags = append(flags, `\Seen`)
	}
	if _, star := m.option("star"); star {
		flags = append(flags, `\Flagged`)
	}
	if kw, ok := m.option("kw"); ok {
		flags = append(flags, kw)
	}
	if _, draft := m.option("draft"); draft {
		folder = "Drafts"
		flags = append(flags, `\Draft`)
	} else if l.from.Key == "mara" {
		folder = "Sent"
	} else if answered {
		flags = append(flags, `\Answered`)
	}
	received := l.date
	if l.from.Organisation != firm {
		received = received.Add(time.Duration(2+w.rand.IntN(40)) * time.Second)
		l.trace = fmt.Sprintf("Received: from mail.%s by mx.%s with ESMTPS; %s",
			strings.SplitN(l.from.Email, "@", 2)[1], domain, received.Format("Mon, 2 Jan 2006 15:04:05 -0700"))
	}
	w.mail = append(w.mail, Message{Folder: folder, Flags: flags, Received: received, Raw: l.raw()})
}

func (w *world) messageID(from Person, date time.Time) string {
	h := fnv.New64a()
	fmt.Fprint(h, w.count, from.Email)
	_, host, _ := strings.Cut(from.Email, "@")
	return fmt.Sprintf("<%s.%012x@%s>", date.UTC().Format("20060102150405"), h.Sum64()&(1<<48-1), host)
}

// quote repeats what is answered, without its own quotations' tail.
func quote(l *letter) string {
	var b strings.Builder
	name := l.from.Name
	if name == "" {
		name = l.from.Email
	}
	b.WriteString("On " + l.date.Format("Monday, 2 January 2006 at 15:04") + ", " + name + " wrote:\n")
	for i, line := range strings.Split(strings.TrimSpace(l.text), "\n") {
		if line == "-- " || i > 40 {
			break
		}
		if strings.HasPrefix(line, ">") {
			b.WriteString(">" + line + "\n")
		} else {
			b.WriteString(strings.TrimRight("> "+line, " ") + "\n")
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// fill puts dates in: {d 3} "Tuesday 3 November", {wd 3} "Tuesday", {m 3} "November", {ymd 3} "2026-11-03", {de 3} "3. 11.".
func (w *world) fill(s string) string {
	return regexp.MustCompile(`\{(d|wd|m|ymd|de) (-?\d+)\}`).ReplaceAllStringFunc(s, func(m string) string {
		kind, num, _ := strings.Cut(strings.Trim(m, "{}"), " ")
		n, _ := strconv.Atoi(num) // the expression has checked it
		from := w.base
		if n < 0 { // the future is the calendars', which lie around today
			from = w.today
		}
		layout := map[string]string{"d": "Monday 2 January", "wd": "Monday", "m": "January", "ymd": "2006-01-02", "de": "2. 1."}[kind]
		return workday(from, n).Format(layout)
	})
}

// attach adds what the lines that begin with "@" ask for.
func (w *world) attach(l *letter, lines []string) error {
	for _, line := range lines {
		kind, rest, _ := strings.Cut(w.fill(line), " ")
		f := strings.Split(rest, "|")
		for i := range f {
			f[i] = strings.TrimSpace(f[i])
		}
		if len(f) < 2 {
			return fmt.Errorf("@%s: too short", line)
		}
		a := attachment{name: f[0]}
		switch kind {
		case "pdf":
			a.typ, a.data = "application/pdf", pdf(f[1], f[2:])
		case "odt":
			a.typ, a.data = "application/vnd.oasis.opendocument.text", odt(f[1], f[2:])
		case "csv":
			a.typ, a.data = "text/csv; charset=utf-8", []byte(strings.Join(f[1:], "\r\n")+"\r\n")
		case "text":
			a.typ, a.data = "text/plain; charset=utf-8", []byte(strings.Join(f[1:], "\n")+"\n")
		case "bike", "inline": // colours of the frame and the background
			var frame, back uint32
			if _, err := fmt.Sscanf(f[1], "%x %x", &frame, &back); err != nil {
				return fmt.Errorf("@%s: %w", line, err)
			}
			a.typ, a.data = "image/png", bicycle(frame, back)
			if kind == "inline" {
				a.cid = f[0]
				l.inline = append(l.inline, a)
				continue
			}
		case "invite":
			e, err := w.invitation(l, f)
			if err != nil {
				return fmt.Errorf("@%s: %w", line, err)
			}
			l.invitation = e
			continue
		default:
			return fmt.Errorf("@%s: not known", kind)
		}
		l.attachments = append(l.attachments, a)
	}
	return nil
}

// invitation makes a meeting's iTIP object: uid | method | summary | working days ahead | 10:00 zone | minutes | place.
func (w *world) invitation(l *letter, f []string) (string, error) {
	if len(f) != 7 {
		return "", fmt.Errorf("%d fields", len(f))
	}
	var days, long int
	if _, err := fmt.Sscanf(f[3]+" "+f[5], "%d %d", &days, &long); err != nil {
		return "", err
	}
	hm, zone, zoned := strings.Cut(f[4], " ")
	loc := w.loc
	if zoned {
		loc = w.zoned(zone)
	}
	start := clock(w.day(days), hm, loc)
	e := &event{uid: f[0] + "@" + domain, method: f[1], summary: f[2], start: start, length: time.Duration(long) * time.Minute, location: f[6],
		organizer: l.from, stamp: l.date}
	for _, p := range append(slices.Clone(l.to), l.cc...) {
		e.attendees = append(e.attendees, attendee{p, "NEEDS-ACTION"})
	}
	return string(e.object()), nil
}
