package tnef

import (
	"fmt"

	"outpost/internal/mapi"
)

// difference says in what two messages differ; the order of properties does not count.
func difference(a, b *mapi.Message) string {
	if d := differenceOf(&a.Properties, &b.Properties); d != "" {
		return d
	}
	if len(a.Recipients) != len(b.Recipients) || len(a.Attachments) != len(b.Attachments) {
		return fmt.Sprintf("%d recipients and %d attachments, then %d and %d", len(a.Recipients), len(a.Attachments), len(b.Recipients), len(b.Attachments))
	}
	for i := range a.Recipients {
		if d := differenceOf(&a.Recipients[i], &b.Recipients[i]); d != "" {
			return fmt.Sprintf("recipient %d: %s", i, d)
		}
	}
	for i := range a.Attachments {
		x, y := &a.Attachments[i], &b.Attachments[i]
		if d := differenceOf(&x.Properties, &y.Properties); d != "" {
			return fmt.Sprintf("attachment %d: %s", i, d)
		}
		if (x.Embedded == nil) != (y.Embedded == nil) {
			return fmt.Sprintf("attachment %d: only one of the two is a message", i)
		}
		if x.Embedded != nil {
			if d := difference(x.Embedded, y.Embedded); d != "" {
				return fmt.Sprintf("attachment %d: %s", i, d)
			}
		}
	}
	return ""
}

func differenceOf(a, b *mapi.Properties) string {
	for p := range a.All() {
		if v, ok := lookUp(b, p); !ok {
			return fmt.Sprintf("%s %s is missing", p.Tag, p.Name)
		} else if !mapi.Equal(v, p.Value) {
			return fmt.Sprintf("%s %s is %.200v, was %.200v", p.Tag, p.Name, v, p.Value)
		}
	}
	for p := range b.All() {
		if _, ok := lookUp(a, p); !ok {
			return fmt.Sprintf("%s %s was not there", p.Tag, p.Name)
		}
	}
	return ""
}

func lookUp(p *mapi.Properties, like mapi.Property) (mapi.Value, bool) {
	if like.Name.IsZero() {
		return p.Get(like.Tag)
	}
	return p.GetNamed(like.Name, like.Tag.Type())
}
