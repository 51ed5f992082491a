package mapi

import (
	"fmt"
	"math"
	"time"
)

// Minutes counts a wall clock in minutes since 1601-01-01, without a zone. MS-OXOCAL 2.2.1.44.1
type Minutes uint32

// NoEnd stands for the last day of a series that has none: 4500-12-31 23:59. MS-OXOCAL 2.2.1.44.1
const NoEnd Minutes = 0x5AE980DF

// Time gives what the wall clock shows, in UTC for want of a zone.
func (m Minutes) Time() time.Time {
	return time.Unix(int64(m)*60-secondsTo1970, 0).UTC()
}

// MinutesOf counts what a clock shows, whatever its zone.
func MinutesOf(t time.Time) (Minutes, error) {
	n := (time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC).Unix() + secondsTo1970) / 60
	if t.Year() < 1601 || n > math.MaxUint32 {
		return 0, fmt.Errorf("the date %s cannot be part of a series", t.Format(time.DateOnly))
	}
	return Minutes(n), nil
}

// Day gives the midnight before.
func (m Minutes) Day() Minutes { return m - m%minutesPerDay }

const minutesPerDay = 24 * 60

// Frequency is how often a series comes. MS-OXOCAL 2.2.1.44.1
type Frequency uint16

// The frequencies. MS-OXOCAL 2.2.1.44.1
const (
	Daily   Frequency = 0x200A
	Weekly  Frequency = 0x200B
	Monthly Frequency = 0x200C
	Yearly  Frequency = 0x200D
)

// PatternType is what a series is told by. MS-OXOCAL 2.2.1.44.1
type PatternType uint16

// The types of patterns. MS-OXOCAL 2.2.1.44.1
const (
	PatternDay           PatternType = 0x0000 // every so many days
	PatternWeek          PatternType = 0x0001 // on days of the week
	PatternMonth         PatternType = 0x0002 // on a day of the month
	PatternMonthNth      PatternType = 0x0003 // on the Nth of some days of the week in the month
	PatternMonthEnd      PatternType = 0x0004 // on the last day of the month
	PatternHijriMonth    PatternType = 0x000A
	PatternHijriMonthNth PatternType = 0x000B
	PatternHijriMonthEnd PatternType = 0x000C
)

// EndType is how a series ends. MS-OXOCAL 2.2.1.44.1
type EndType uint32

// The ends. MS-OXOCAL 2.2.1.44.1
const (
	EndByDate  EndType = 0x00002021
	EndByCount EndType = 0x00002022
	EndNever   EndType = 0x00002023
	// endNeverToo is read, and written as EndNever.
	endNeverToo EndType = 0xFFFFFFFF
)

// Weekdays is a set of days of the week; bit 0 is Sunday. MS-OXOCAL 2.2.1.44.1.2
type Weekdays uint32

// Has reports whether the day is in the set.
func (w Weekdays) Has(d time.Weekday) bool { return w>>d&1 != 0 }

// LastNth as Nth means the last of the month. MS-OXOCAL 2.2.1.44.1.4
const LastNth = 5

// RecurrencePattern says when a series takes place, day by day. Tasks keep it alone (PidLidTaskRecurrence),
// appointments within an AppointmentRecurrence. MS-OXOCAL 2.2.1.44.1
type RecurrencePattern struct {
	Frequency Frequency
	Type      PatternType
	// Calendar is 0 for the default, 1 for the Gregorian calendar. MS-OXOCAL 2.2.1.44.1
	Calendar uint16
	// First places the period; FirstDateTime computes it.
	First Minutes
	// Period is in minutes for PatternDay, in weeks for PatternWeek and in months otherwise.
	Period uint32
	// Sliding is for tasks: the next one comes so long after the last one was done.
	Sliding bool
	Days    Weekdays // of PatternWeek and PatternMonthNth
	Nth     uint32   // of PatternMonthNth: 1 to 4, or LastNth
	Day     uint32   // of PatternMonth and PatternMonthEnd; 31 is the last
	End     EndType
	Count   uint32 // how often, as far as is known also where End is not EndByCount
	// WeekStart is the first day of a week.
	WeekStart time.Weekday
	// Deleted holds the days of which the occurrence was deleted or changed, Modified those to which one was moved.
	Deleted, Modified []Minutes
	// Start is the day of the first, LastDay that of the last occurrence, or NoEnd.
	Start, LastDay Minutes
}

// Overrides says what an exception has of its own. MS-OXOCAL 2.2.1.44.2
type Overrides uint16

// What an exception may have. MS-OXOCAL 2.2.1.44.2
const (
	OverrideSubject       Overrides = 0x0001
	OverrideMeetingType   Overrides = 0x0002
	OverrideReminderDelta Overrides = 0x0004
	OverrideReminderSet   Overrides = 0x0008
	OverrideLocation      Overrides = 0x0010
	OverrideBusyStatus    Overrides = 0x0020
	OverrideAttachment    Overrides = 0x0040
	OverrideSubType       Overrides = 0x0080
	OverrideColor         Overrides = 0x0100
	OverrideBody          Overrides = 0x0200
)

// Exception is an occurrence that is not like the others. A field counts only if Overrides has its flag.
// MS-OXOCAL 2.2.1.44.2, 2.2.1.44.4
type Exception struct {
	// Start and End are the wall clock of this occurrence; Original is where the pattern had its start.
	Start, End, Original Minutes
	Overrides            Overrides
	// Subject and Location are those of the extended exception, Subject8 and Location8 the same in the code page of the
	// item. When the latter are empty, they are written as the former with ? for what is not ASCII.
	Subject, Location   string
	Subject8, Location8 String8
	MeetingType         uint32
	ReminderDelta       uint32
	ReminderSet         uint32
	BusyStatus          uint32
	Attachment          uint32
	SubType             uint32
	Color               uint32
	// ChangeHighlight says what changed, with whatever follows in ChangeHighlightMore. MS-OXOCAL 2.2.1.44.3
	ChangeHighlight          uint32
	ChangeHighlightMore      []byte
	ReservedEE1, ReservedEE2 []byte
}

// AppointmentRecurrence is the value of PidLidAppointmentRecur. MS-OXOCAL 2.2.1.44
type AppointmentRecurrence struct {
	RecurrencePattern
	// ReaderVersion2 and WriterVersion2 say who wrote it: 0x3006 and 0x3008 or 0x3009.
	ReaderVersion2, WriterVersion2 uint32
	// StartOffset and EndOffset are the times of the day, in minutes since midnight.
	StartOffset, EndOffset uint32
	Exceptions             []Exception
	Reserved1, Reserved2   []byte
}

// The versions that are written. MS-OXOCAL 2.2.1.44
const (
	patternVersion     = 0x3004
	ReaderVersion2     = 0x3006
	WriterVersion2     = 0x3009
	highlightSinceThis = 0x3009
)

// AppendRecurrencePattern appends the bytes of a pattern, as a task has them. MS-OXOCAL 2.2.1.44.1
func AppendRecurrencePattern(dst []byte, p RecurrencePattern) ([]byte, error) {
	dst = le.AppendUint16(dst, patternVersion)
	dst = le.AppendUint16(dst, patternVersion)
	dst = le.AppendUint16(dst, uint16(p.Frequency))
	dst = le.AppendUint16(dst, uint16(p.Type))
	dst = le.AppendUint16(dst, p.Calendar)
	dst = le.AppendUint32(dst, uint32(p.First))
	dst = le.AppendUint32(dst, p.Period)
	sliding := uint32(0)
	if p.Sliding {
		sliding = 1
	}
	dst = le.AppendUint32(dst, sliding)
	switch p.Type {
	case PatternDay:
	case PatternWeek:
		dst = le.AppendUint32(dst, uint32(p.Days))
	case PatternMonth, PatternMonthEnd, PatternHijriMonth, PatternHijriMonthEnd:
		dst = le.AppendUint32(dst, p.Day)
	case PatternMonthNth, PatternHijriMonthNth:
		dst = le.AppendUint32(dst, uint32(p.Days))
		dst = le.AppendUint32(dst, p.Nth)
	default:
		return dst, fmt.Errorf("recurrence: a pattern of the unknown type 0x%04X", uint16(p.Type))
	}
	dst = le.AppendUint32(dst, uint32(p.End))
	dst = le.AppendUint32(dst, p.Count)
	dst = le.AppendUint32(dst, uint32(p.WeekStart))
	for _, days := range [...][]Minutes{p.Deleted, p.Modified} {
		dst = le.AppendUint32(dst, uint32(len(days)))
		for _, d := range days {
			dst = le.AppendUint32(dst, uint32(d))
		}
	}
	return le.AppendUint32(le.AppendUint32(dst, uint32(p.Start)), uint32(p.LastDay)), nil
}

// DecodeRecurrencePattern reads the bytes of a pattern, as a task has them. MS-OXOCAL 2.2.1.44.1
func DecodeRecurrencePattern(data []byte) (RecurrencePattern, error) {
	r := &reader{data: data}
	p := r.pattern()
	if err := r.done("recurrence"); err != nil {
		return RecurrencePattern{}, err
	}
	return p, nil
}

func (r *reader) pattern() (p RecurrencePattern) {
	if reader, writer := r.u16(), r.u16(); r.err == nil && (reader != patternVersion || writer != patternVersion) {
		r.fail("versions 0x%04X and 0x%04X are not known", reader, writer)
	}
	p.Frequency, p.Type, p.Calendar = Frequency(r.u16()), PatternType(r.u16()), r.u16()
	p.First, p.Period, p.Sliding = Minutes(r.u32()), r.u32(), r.u32() != 0
	switch p.Type {
	case PatternDay:
	case PatternWeek:
		p.Days = Weekdays(r.u32())
	case PatternMonth, PatternMonthEnd, PatternHijriMonth, PatternHijriMonthEnd:
		p.Day = r.u32()
	case PatternMonthNth, PatternHijriMonthNth:
		p.Days, p.Nth = Weekdays(r.u32()), r.u32()
	default:
		r.fail("a pattern of the unknown type 0x%04X", uint16(p.Type))
	}
	if p.End, p.Count = EndType(r.u32()), r.u32(); p.End == endNeverToo {
		p.End = EndNever
	}
	start := r.u32()
	if start > 6 {
		r.fail("a week that begins with day %d", start)
	}
	p.WeekStart = time.Weekday(start)
	p.Deleted, p.Modified = r.days(), r.days()
	p.Start, p.LastDay = Minutes(r.u32()), Minutes(r.u32())
	return p
}

func (r *reader) days() (days []Minutes) {
	for range r.length(4) {
		days = append(days, Minutes(r.u32()))
	}
	return days
}

// AppendAppointmentRecurrence appends the bytes of PidLidAppointmentRecur. MS-OXOCAL 2.2.1.44
func AppendAppointmentRecurrence(dst []byte, a AppointmentRecurrence) (_ []byte, err error) {
	if dst, err = AppendRecurrencePattern(dst, a.RecurrencePattern); err != nil {
		return dst, err
	}
	if len(a.Exceptions) > math.MaxUint16 {
		return dst, fmt.Errorf("recurrence: %d exceptions are more than 65535", len(a.Exceptions))
	}
	dst = le.AppendUint32(dst, a.ReaderVersion2)
	dst = le.AppendUint32(dst, a.WriterVersion2)
	dst = le.AppendUint32(dst, a.StartOffset)
	dst = le.AppendUint32(dst, a.EndOffset)
	dst = le.AppendUint16(dst, uint16(len(a.Exceptions)))
	for i := range a.Exceptions {
		if dst, err = a.Exceptions[i].append(dst); err != nil {
			return dst, fmt.Errorf("recurrence: exception %d: %w", i+1, err)
		}
	}
	dst = appendBlock(dst, a.Reserved1)
	for i := range a.Exceptions {
		if dst, err = a.Exceptions[i].appendExtended(dst, a.WriterVersion2); err != nil {
			return dst, fmt.Errorf("recurrence: exception %d: %w", i+1, err)
		}
	}
	return appendBlock(dst, a.Reserved2), nil
}

func appendBlock(dst, b []byte) []byte { return append(le.AppendUint32(dst, uint32(len(b))), b...) }

// numbers are the fields of an exception that are one number each, with their flags, in the order of the bytes.
func (e *Exception) numbers(before bool) []*uint32 {
	var list []*uint32
	add := func(flag Overrides, n *uint32) {
		if e.Overrides&flag != 0 {
			list = append(list, n)
		}
	}
	if before {
		add(OverrideMeetingType, &e.MeetingType)
		add(OverrideReminderDelta, &e.ReminderDelta)
		add(OverrideReminderSet, &e.ReminderSet)
		return list
	}
	add(OverrideBusyStatus, &e.BusyStatus)
	add(OverrideAttachment, &e.Attachment)
	add(OverrideSubType, &e.SubType)
	add(OverrideColor, &e.Color)
	return list
}

// append writes the ExceptionInfo. MS-OXOCAL 2.2.1.44.2
func (e *Exception) append(dst []byte) (_ []byte, err error) {
	for _, m := range [...]Minutes{e.Start, e.End, e.Original} {
		dst = le.AppendUint32(dst, uint32(m))
	}
	dst = le.AppendUint16(dst, uint16(e.Overrides))
	if e.Overrides&OverrideSubject != 0 {
		if dst, err = appendText8(dst, e.Subject8, e.Subject); err != nil {
			return dst, err
		}
	}
	for _, n := range e.numbers(true) {
		dst = le.AppendUint32(dst, *n)
	}
	if e.Overrides&OverrideLocation != 0 {
		if dst, err = appendText8(dst, e.Location8, e.Location); err != nil {
			return dst, err
		}
	}
	for _, n := range e.numbers(false) {
		dst = le.AppendUint32(dst, *n)
	}
	return dst, nil
}

// appendText8 writes a text twice counted: with and without an end that is not there.
func appendText8(dst []byte, text String8, full string) ([]byte, error) {
	if text == "" {
		ascii := make([]byte, 0, len(full))
		for _, r := range full {
			if r > 0x7E {
				r = '?'
			}
			ascii = append(ascii, byte(r))
		}
		text = String8(ascii)
	}
	if len(text) >= math.MaxUint16 {
		return dst, fmt.Errorf("a text of %d bytes, more than 65534", len(text))
	}
	dst = le.AppendUint16(dst, uint16(len(text)+1))
	dst = le.AppendUint16(dst, uint16(len(text)))
	return append(dst, text...), nil
}

// appendExtended writes the ExtendedException. MS-OXOCAL 2.2.1.44.4
func (e *Exception) appendExtended(dst []byte, writer uint32) ([]byte, error) {
	if writer >= highlightSinceThis {
		dst = le.AppendUint32(dst, uint32(4+len(e.ChangeHighlightMore)))
		dst = append(le.AppendUint32(dst, e.ChangeHighlight), e.ChangeHighlightMore...)
	}
	dst = appendBlock(dst, e.ReservedEE1)
	if e.Overrides&(OverrideSubject|OverrideLocation) == 0 {
		return dst, nil
	}
	for _, m := range [...]Minutes{e.Start, e.End, e.Original} {
		dst = le.AppendUint32(dst, uint32(m))
	}
	for _, part := range [...]struct {
		flag Overrides
		text string
	}{{OverrideSubject, e.Subject}, {OverrideLocation, e.Location}} {
		if e.Overrides&part.flag == 0 {
			continue
		}
		wide := EncodeUTF16(part.text)
		if len(wide)/2 > math.MaxUint16 {
			return dst, fmt.Errorf("a text of %d characters, more than 65535", len(wide)/2)
		}
		dst = append(le.AppendUint16(dst, uint16(len(wide)/2)), wide...)
	}
	return appendBlock(dst, e.ReservedEE2), nil
}

// DecodeAppointmentRecurrence reads the bytes of PidLidAppointmentRecur. Old programs leave the extended exceptions
// out; then Subject and Location are empty and Subject8 and Location8 are all there is. MS-OXOCAL 2.2.1.44
func DecodeAppointmentRecurrence(data []byte) (a AppointmentRecurrence, err error) {
	r := &reader{data: data}
	a.RecurrencePattern = r.pattern()
	a.ReaderVersion2, a.WriterVersion2 = r.u32(), r.u32()
	a.StartOffset, a.EndOffset = r.u32(), r.u32()
	for range r.fits(uint64(r.u16()), 14) {
		e := r.exception()
		if r.err != nil {
			break
		}
		a.Exceptions = append(a.Exceptions, e)
	}
	a.Reserved1 = r.block()
	if r.err == nil && r.left() > 0 {
		for i := range a.Exceptions {
			r.extended(&a.Exceptions[i], a.WriterVersion2)
		}
		a.Reserved2 = r.block()
	}
	if err := r.done("recurrence"); err != nil {
		return AppointmentRecurrence{}, err
	}
	return a, nil
}

func (r *reader) block() []byte {
	if b := r.bytes(r.length(1)); len(b) > 0 {
		return b
	}
	return nil
}

func (r *reader) exception() (e Exception) {
	e.Start, e.End, e.Original = Minutes(r.u32()), Minutes(r.u32()), Minutes(r.u32())
	e.Overrides = Overrides(r.u16())
	if e.Overrides&OverrideSubject != 0 {
		r.u16()
		e.Subject8 = String8(r.take(int(r.u16())))
	}
	for _, n := range e.numbers(true) {
		*n = r.u32()
	}
	if e.Overrides&OverrideLocation != 0 {
		r.u16()
		e.Location8 = String8(r.take(int(r.u16())))
	}
	for _, n := range e.numbers(false) {
		*n = r.u32()
	}
	return e
}

func (r *reader) extended(e *Exception, writer uint32) {
	if writer >= highlightSinceThis {
		size := r.length(1)
		if size >= 4 {
			e.ChangeHighlight = r.u32()
			if e.ChangeHighlightMore = r.bytes(size - 4); len(e.ChangeHighlightMore) == 0 {
				e.ChangeHighlightMore = nil
			}
		} else {
			r.take(size)
		}
	}
	e.ReservedEE1 = r.block()
	if e.Overrides&(OverrideSubject|OverrideLocation) == 0 {
		return
	}
	r.take(12) // the times of the ExceptionInfo again
	if e.Overrides&OverrideSubject != 0 {
		e.Subject = DecodeUTF16(r.take(2 * int(r.u16())))
	}
	if e.Overrides&OverrideLocation != 0 {
		e.Location = DecodeUTF16(r.take(2 * int(r.u16())))
	}
	e.ReservedEE2 = r.block()
}
