// SPDX-License-Identifier: Apache-2.0

// operator checks objects of the Prometheus operator, JSON lines on standard input, against the
// operator's own Go types. An unknown field, or a field of the wrong type, is an error. It prints a
// line for each error.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
)

func read(line []byte) error {
	var head struct{ APIVersion, Kind string }
	if err := json.Unmarshal(line, &head); err != nil {
		return err
	}
	var object any
	switch head.APIVersion + " " + head.Kind {
	case "monitoring.coreos.com/v1 ServiceMonitor":
		object = &monitoring.ServiceMonitor{}
	case "monitoring.coreos.com/v1 PodMonitor":
		object = &monitoring.PodMonitor{}
	case "monitoring.coreos.com/v1 PrometheusRule":
		object = &monitoring.PrometheusRule{}
	default:
		return fmt.Errorf("%s %s is not one of the operator's", head.APIVersion, head.Kind)
	}
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(object); err != nil {
		return fmt.Errorf("%s: %w", head.Kind, err)
	}
	return nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if err := read(lines.Bytes()); err != nil {
			fmt.Println(err)
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
