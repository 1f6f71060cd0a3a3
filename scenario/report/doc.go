// Package report draws a scenario.Report: Text for a terminal, HTML as one page that needs nothing but itself.
//
// Both show the same in the same order: what was expected and what came, one table of the handovers, then for each
// handover the timeline that explains its outage. The page adds delay and loss over time. Nothing here measures or
// decides; every figure is defined in docs/result.md.
package report
