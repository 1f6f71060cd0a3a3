// Package scenario holds the scenario format, the plan a scenario becomes, and the one yardstick by which runs of
// every world are measured.
//
//	commute.yaml ──Parse──▶ Scenario ──Plan(options)──▶ Plan ──▶ sim or lab ──Recorder──▶ Result ──▶ JSON, table, HTML report
package scenario
