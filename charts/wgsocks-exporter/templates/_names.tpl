{{- /*
# SPDX-License-Identifier: Apache-2.0
Names and labels of this chart's objects.
*/ -}}

{{- define "wgsocks-exporter.name" -}}
{{- default "wgsocks-exporter" .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* At most 52 characters: pods add a suffix, and a label has at most 63. */}}
{{- define "wgsocks-exporter.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "wgsocks-exporter.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "wgsocks-exporter.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "wgsocks-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "wgsocks-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "wgsocks-exporter.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "wgsocks-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "wgsocks-exporter.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{- define "wgsocks-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "wgsocks-exporter.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Checks that involve two values, which the schema cannot express. */}}
{{- define "wgsocks-exporter.check" -}}
{{- if eq .Values.mode "sidecar" }}
{{- if .Values.serviceMonitor.enabled }}
{{- fail "serviceMonitor.enabled: with mode=sidecar this chart has no Service; set podMonitor.enabled" }}
{{- end }}
{{- if .Values.networkPolicy.enabled }}
{{- fail "networkPolicy.enabled: with mode=sidecar the pods are another chart's, and so are their policies" }}
{{- end }}
{{- else }}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled }}
{{- fail "serviceMonitor.enabled and podMonitor.enabled: every agent would be scraped twice; set one" }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled (not .Values.service.enabled) }}
{{- fail "serviceMonitor.enabled: it needs service.enabled; without a Service set podMonitor.enabled" }}
{{- end }}
{{- end }}
{{- if eq (int .Values.exporter.metricsPort) (int .Values.exporter.healthPort) }}
{{- fail "exporter.metricsPort and exporter.healthPort: one port cannot be both" }}
{{- end }}
{{- if and .Values.web.tls (not .Values.web.configSecret) }}
{{- fail "web.tls: TLS is asked for by a file; set web.configSecret" }}
{{- end }}
{{- end }}
