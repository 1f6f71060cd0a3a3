package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// built is the version: what the linker was told, or what the toolchain recorded.
func built() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			revision = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	if revision == "" {
		return info.Main.Version
	}
	return "devel-" + revision + dirty
}

// versionLine is the version for people.
func versionLine() string {
	return fmt.Sprintf("roam6 %s (%s, %s/%s)", built(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func versionCmd() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use: "version", Short: "Print the version", Args: exactly(0, "no argument"),
		RunE: work(func(*cobra.Command, []string) error {
			if asJSON {
				return printJSON(map[string]string{"version": built(), "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
			}
			_, err := fmt.Println(versionLine())
			return err
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// manCmd writes manual pages; packages call it when they are built, with SOURCE_DATE_EPOCH for equal pages.
func manCmd() *cobra.Command {
	return &cobra.Command{
		Use: "gen-man DIR", Short: "Write the manual pages into DIR", Hidden: true, Args: exactly(1, "a DIR"),
		RunE: work(func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o777); err != nil {
				return usage(err)
			}
			root := c.Root()
			root.DisableAutoGenTag = true
			return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "roam6 " + built(), Manual: "roam6"}, args[0])
		}),
	}
}
