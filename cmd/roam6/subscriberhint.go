package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"roam6/conf"
	"roam6/store/subscriber"
	"roam6/store/subscriber/profile"
)

// realmSample is how many subscribers are looked at for their realms: a database has few realms, and a hint is not worth a search.
const realmSample = 200

// strangeRealm is a hint about a new subscriber whose realm nobody else in the database has, while others have one: most likely it is mistyped, and no
// request would ever come for it. It says nothing where the database cannot tell.
func strangeRealm(ctx context.Context, d *subscriber.DB, p *profile.Profile) string {
	realm := realmOf(p.NAI)
	if realm == "" {
		return ""
	}
	if same, err := d.List(ctx, subscriber.Page{Realm: realm, Limit: 1}); err != nil || len(same) > 0 {
		return ""
	}
	some, err := d.List(ctx, subscriber.Page{Limit: realmSample})
	if err != nil {
		return ""
	}
	var realms []string
	for _, s := range some {
		if r := realmOf(s.NAI); r != "" && !slices.Contains(realms, r) {
			realms = append(realms, r)
		}
	}
	if len(realms) == 0 {
		return ""
	}
	slices.Sort(realms)
	hint := fmt.Sprintf("%s is the first subscriber of %s; the others are of %s", p.NAI, realm, strings.Join(realms[:min(len(realms), 4)], ", "))
	if near := conf.Nearest(realm, realms); near != "" {
		hint += fmt.Sprintf(". Was %s meant? `roam6 subscriber rm %s` removes this one", near, p.NAI)
	}
	return hint + ". The server serves the realms that home.realms of its configuration names, by default diameter.realm"
}

func realmOf(nai string) string {
	_, realm, _ := strings.Cut(nai, "@")
	return strings.ToLower(realm)
}

// unable says what to do where this user has not the rights that a database wants. Loosening them is none of it: keys are in there.
func unable(url string, err error) error {
	switch {
	case !errors.Is(err, fs.ErrPermission):
		return err
	case strings.HasPrefix(url, "postgres"):
		return lacks(fmt.Errorf("%w; the URL names the user (postgres://USER@HOST/NAME), whose password PostgreSQL's programs take from PGPASSWORD or ~/.pgpass", err))
	case os.Geteuid() == 0:
		return lacks(err)
	}
	return lacks(fmt.Errorf("%w; use sudo, or be the user that the AAA server runs as", err))
}
