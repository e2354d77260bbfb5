{{- /*
# SPDX-License-Identifier: Apache-2.0
Templates for charts that depend on this one with mode: sidecar. Each takes the dependency's context:

  include "wgsocks-exporter.sidecar.container" (index .Subcharts "wgsocks-exporter")

container: an item of containers (or of initContainers, with sidecar.native)
volumes: items of volumes
podLabels, podAnnotations: metadata of the pod
*/ -}}

{{- define "wgsocks-exporter.sidecar.container" -}}
{{- if ne .Values.mode "sidecar" }}
{{- fail "wgsocks-exporter.sidecar.container: mode is node, which watches every pod already; set mode: sidecar for the dependency" }}
{{- end }}
{{- include "wgsocks-exporter.container" . }}
{{- end }}

{{- define "wgsocks-exporter.sidecar.volumes" -}}
{{- include "wgsocks-exporter.volumes" . | trim }}
{{- end }}

{{- define "wgsocks-exporter.sidecar.podLabels" -}}
{{- toYaml .Values.sidecar.podLabels }}
{{- end }}

{{- define "wgsocks-exporter.sidecar.podAnnotations" -}}
{{- include "wgsocks-exporter.appArmorAnnotation" (list . "wgsocks-exporter") | trim }}
{{- end }}
