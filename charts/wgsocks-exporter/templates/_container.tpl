{{- /*
# SPDX-License-Identifier: Apache-2.0
The container for both modes: arguments, rights, volumes.
*/ -}}

{{- define "wgsocks-exporter.args" -}}
- --mode={{ .Values.mode }}
{{- if eq .Values.mode "node" }}
- --proxies.max={{ int .Values.exporter.proxiesMax }}
{{- end }}
{{- if and (eq .Values.mode "sidecar") .Values.sidecar.proxyPorts (not .Values.sidecar.discover) }}
- --proxy.port={{ join "," .Values.sidecar.proxyPorts }}
{{- end }}
- --proxy.interface={{ .Values.exporter.interface }}
{{- with .Values.exporter.processes }}
- --proxy.process={{ join "," . }}
{{- end }}
- --web.listen-address=:{{ int .Values.exporter.metricsPort }}
- --health.listen-address=:{{ int .Values.exporter.healthPort }}
{{- if not .Values.bpf.pin }}
- --bpf.pin=none
{{- end }}
{{- if .Values.web.configSecret }}
- --web.config.file=/etc/wgsocks/{{ .Values.web.configKey }}
- --web.config.wait
{{- end }}
{{- range $name, $on := .Values.exporter.collectors }}
- --{{ ternary "" "no-" $on }}collector.{{ $name }}
{{- end }}
{{- with .Values.exporter.destinations }}
{{- if .enabled }}
- --collector.destinations
- --destinations.max={{ int .max }}
- --destinations.label={{ .label }}
{{- end }}
{{- end }}
{{- with .Values.exporter.leakAllow }}
- --leak.allow={{ join "," . }}
{{- end }}
{{- with .Values.exporter.costPerGigabyte }}
- --cost.per-gigabyte={{ . }}
{{- end }}
- --log.level={{ .Values.exporter.log.level }}
- --log.format={{ .Values.exporter.log.format }}
{{- with .Values.exporter.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "wgsocks-exporter.env" -}}
{{- if eq .Values.mode "node" }}
- name: NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
{{- else if .Values.sidecar.proxyName }}
- name: PROXY_NAME
  value: {{ .Values.sidecar.proxyName | quote }}
{{- end }}
{{- with .Values.exporter.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Check the spelling: Kubernetes and the runtime ignore an unknown capability without an error. */}}
{{- define "wgsocks-exporter.capabilities" -}}
- BPF # maps and programs
- PERFMON # tracing programs: the states of TCP
- NET_ADMIN # programs on interfaces; WireGuard's peers
{{- if eq .Values.mode "node" }}
- SYS_ADMIN # to enter the network namespaces of other pods
- NET_BROADCAST # to hear of their interfaces
{{- end }}
{{- if or (eq .Values.mode "node") .Values.sidecar.discover }}
- SYS_PTRACE # whose sockets: namespaces and descriptors of other processes
- DAC_READ_SEARCH # the same of processes of other users, and PROXY_NAME of their environment
{{- end }}
{{- if .Values.rights.sysResource }}
- SYS_RESOURCE # before Linux 5.11: memory of maps counts against RLIMIT_MEMLOCK
{{- end }}
{{- end }}

{{- define "wgsocks-exporter.profiles" -}}
{{- with .Values.seccompProfile }}
seccompProfile:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version }}
{{- with .Values.appArmorProfile }}
appArmorProfile:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .Values.seLinuxOptions }}
seLinuxOptions:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Root, because other users get no capabilities. Processes that handle network input drop them. */}}
{{- define "wgsocks-exporter.securityContext" -}}
runAsUser: 0
runAsGroup: 0
runAsNonRoot: false
readOnlyRootFilesystem: true
{{- if .Values.rights.privileged }}
privileged: true
{{- else }}
privileged: false
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
  add:
    {{- include "wgsocks-exporter.capabilities" . | nindent 4 }}
{{- end }}
{{- include "wgsocks-exporter.profiles" . }}
{{- end }}

{{/* AppArmor was an annotation of the pod before Kubernetes 1.30. Takes (list context container-name). */}}
{{- define "wgsocks-exporter.appArmorAnnotation" -}}
{{- $context := first . }}
{{- if not (semverCompare ">=1.30.0-0" $context.Capabilities.KubeVersion.Version) }}
{{- with $context.Values.appArmorProfile }}
container.apparmor.security.beta.kubernetes.io/{{ last $ }}: {{ if eq .type "Localhost" }}localhost/{{ .localhostProfile }}{{ else }}{{ ternary "runtime/default" "unconfined" (eq .type "RuntimeDefault") }}{{ end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "wgsocks-exporter.probe" -}}
httpGet:
  path: {{ .path }}
  port: health
timeoutSeconds: {{ .probes.timeoutSeconds }}
{{- end }}

{{- define "wgsocks-exporter.probes" -}}
{{- $probes := .Values.probes }}
livenessProbe:
  {{- include "wgsocks-exporter.probe" (dict "path" "/livez" "probes" $probes) | nindent 2 }}
  periodSeconds: {{ $probes.periodSeconds }}
  failureThreshold: {{ $probes.failureThreshold }}
startupProbe:
  {{- include "wgsocks-exporter.probe" (dict "path" "/startupz" "probes" $probes) | nindent 2 }}
  periodSeconds: 1
  failureThreshold: {{ $probes.startupFailureThreshold }}
{{- $readiness := ternary "livez" .Values.sidecar.readiness (eq .Values.mode "node") }}
{{- if ne $readiness "none" }}
readinessProbe:
  {{- include "wgsocks-exporter.probe" (dict "path" (printf "/%s" $readiness) "probes" $probes) | nindent 2 }}
  periodSeconds: {{ $probes.periodSeconds }}
{{- end }}
{{- end }}

{{- define "wgsocks-exporter.volumeMounts" -}}
{{- if .Values.bpf.pin }}
- name: wgsocks-bpf
  mountPath: /sys/fs/bpf
  mountPropagation: HostToContainer
{{- end }}
{{- if eq .Values.mode "node" }}
- name: log-pods
  mountPath: /var/log/pods
  readOnly: true
- name: log-containers
  mountPath: /var/log/containers
  readOnly: true
{{- else if .Values.sidecar.wireguardVolume }}
- name: {{ .Values.sidecar.wireguardVolume }}
  mountPath: /var/run/wireguard
  readOnly: true
{{- end }}
{{- if .Values.web.configSecret }}
- name: wgsocks-web
  mountPath: /etc/wgsocks
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "wgsocks-exporter.volumes" -}}
{{- if .Values.bpf.pin }}
- name: wgsocks-bpf
  hostPath:
    path: /sys/fs/bpf
{{- end }}
{{- if eq .Values.mode "node" }}
- name: log-pods # the names behind pods' uids
  hostPath:
    path: /var/log/pods
- name: log-containers
  hostPath:
    path: /var/log/containers
{{- end }}
{{- if .Values.web.configSecret }}
- name: wgsocks-web
  secret:
    secretName: {{ .Values.web.configSecret }}
    defaultMode: 0400
    optional: true # the kernel's counting does not wait for it
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "wgsocks-exporter.container" -}}
- name: wgsocks-exporter
  image: {{ include "wgsocks-exporter.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  {{- if and (eq .Values.mode "sidecar") .Values.sidecar.native }}
  restartPolicy: Always
  {{- end }}
  args:
    {{- include "wgsocks-exporter.args" . | nindent 4 }}
  {{- with include "wgsocks-exporter.env" . | trim }}
  env:
    {{- . | nindent 4 }}
  {{- end }}
  ports:
    - name: metrics
      containerPort: {{ int .Values.exporter.metricsPort }}
    - name: health
      containerPort: {{ int .Values.exporter.healthPort }}
  {{- include "wgsocks-exporter.probes" . | trim | nindent 2 }}
  resources:
    {{- include "wgsocks-exporter.resources" . | nindent 4 }}
  securityContext:
    {{- include "wgsocks-exporter.securityContext" . | nindent 4 }}
  {{- with include "wgsocks-exporter.volumeMounts" . | trim }}
  volumeMounts:
    {{- . | nindent 4 }}
  {{- end }}
{{- end }}
