package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// allowedNote is the annotation of a flag that says which values it takes, beyond its type.
const allowedNote = "roam6_allowed"

// ranged says which numbers a flag takes, for its help and for errors.
func ranged(c *cobra.Command, name string, least, most int) {
	text := fmt.Sprintf("%d to %d", least, most)
	must(c.Flags().SetAnnotation(name, allowedNote, []string{text}))
	f := c.Flags().Lookup(name)
	f.Usage += " (" + text + ")"
}

// inRange refuses a flag's value outside the range.
func inRange(name string, value, least, most int) error {
	if value < least || value > most {
		return usagef("--%s %d: %d to %d are allowed", name, value, least, most)
	}
	return nil
}

// flagWords are what the types of flags take.
var flagWords = map[string]string{
	"int":           "a whole number is allowed",
	"uint64":        "a whole number from 0 to 18446744073709551615 is allowed",
	"intSlice":      "whole numbers are allowed, with commas between them, such as 1,1000",
	"duration":      "a time with its unit is allowed, such as 20ms or 1.5s",
	"durationSlice": "times with their units are allowed, with commas between them, such as 0s,20ms",
	"bool":          "true or false is allowed, and the flag alone means true",
	"string":        "a text is allowed",
	"stringArray":   "a text is allowed",
}

// allowed says which values a flag takes.
func allowed(f *pflag.Flag) string {
	text := flagWords[f.Value.Type()]
	if note := f.Annotations[allowedNote]; len(note) > 0 {
		text += ", " + note[0]
	}
	return text
}

// flagError says of a mistake in a flag what was given and what is allowed.
func flagError(c *cobra.Command, err error) error {
	var (
		value   *pflag.InvalidValueError
		missing *pflag.ValueRequiredError
		unknown *pflag.NotExistError
		syntax  *pflag.InvalidSyntaxError
	)
	switch {
	case errors.As(err, &value):
		return fmt.Errorf("--%s %s: %s", value.GetFlag().Name, value.GetValue(), allowed(value.GetFlag()))
	case errors.As(err, &missing):
		return fmt.Errorf("--%s needs a value: %s", missing.GetFlag().Name, allowed(missing.GetFlag()))
	case errors.As(err, &unknown):
		name := "--" + unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			name = "-" + unknown.GetSpecifiedName()
		}
		return fmt.Errorf("unknown flag: %s; %s has: %s", name, c.CommandPath(), strings.Join(flagNames(c), ", "))
	case errors.As(err, &syntax):
		return fmt.Errorf("%s is no flag; --name, --name VALUE or --name=VALUE is allowed", syntax.GetSpecifiedFlag())
	}
	return err
}

// flagNames are the flags of a command.
func flagNames(c *cobra.Command) []string {
	var out []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			out = append(out, "--"+f.Name)
		}
	})
	return out
}
