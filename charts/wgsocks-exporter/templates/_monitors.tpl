{{- /*
# SPDX-License-Identifier: Apache-2.0
The endpoint of ServiceMonitor and PodMonitor. Takes (list context values-of-the-monitor). The labels are those of
monitoring/prometheus/prometheus-kubernetes.yml; namespace and pod are put there by the operator.
*/ -}}

{{- define "wgsocks-exporter.endpoint" -}}
{{- $context := first . }}
{{- with last . }}
- port: metrics
  path: /metrics
  scheme: {{ ternary "https" "http" $context.Values.web.tls }}
  interval: {{ .interval }}
  scrapeTimeout: {{ .scrapeTimeout }}
  {{- with .tlsConfig }}
  tlsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .basicAuth }}
  basicAuth:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  relabelings:
    # The rules know `up` by its job alone.
    - targetLabel: job
      replacement: wgsocks
    - sourceLabels: [__meta_kubernetes_pod_node_name]
      targetLabel: node
    {{- with .relabelings }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
