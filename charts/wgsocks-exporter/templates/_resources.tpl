{{- /*
# SPDX-License-Identifier: Apache-2.0
Requests and limits from figures of docs/bench.md, in KiB; the README says which. Values that are set take precedence.
*/ -}}

{{- define "wgsocks-exporter.memory" -}}
{{- $node := eq .Values.mode "node" }}
{{- $proxies := ternary (int .Values.exporter.proxiesMax) 1 $node }}
{{- $processes := ternary 10445 7066 $node }}
{{- $perProxy := ternary (mul 49 $proxies) 0 $node }}
{{- if .Values.web.configSecret }}
{{- $processes = add $processes 1536 }}
{{- end }}
{{- $maps := add 2489 (div (mul $proxies (add 1420 (mul 114 (int .Values.memory.cpus)))) 100) }}
{{- with .Values.exporter.destinations }}
{{- if .enabled }}
{{- $maps = add $maps (mul $proxies (add (div (mul (int .max) 128) 100) (ternary 144 0 (eq .label "name")))) }}
{{- end }}
{{- end }}
{{- $extra := mul (int .Values.memory.extra) 1024 }}
{{- $request := div (mul 5 (add $processes (div $perProxy 10) $maps $extra)) 4 }}
{{- $limit := mul 2 (add $processes $perProxy $maps 20480 $extra) }}
request: {{ mul 8 (div (add $request 8191) 8192) }}Mi
limit: {{ mul 16 (div (add $limit 16383) 16384) }}Mi
{{- end }}

{{- define "wgsocks-exporter.resources" -}}
{{- $memory := fromYaml (include "wgsocks-exporter.memory" .) }}
{{- $cpu := printf "%dm" (add 5 (ternary (div (mul 3 (int .Values.exporter.proxiesMax)) 100) 0 (eq .Values.mode "node"))) }}
{{- $requests := dict "cpu" $cpu "memory" $memory.request }}
{{- $limits := dict "memory" $memory.limit }}
{{- toYaml (merge (deepCopy (default dict .Values.resources)) (dict "requests" $requests "limits" $limits)) }}
{{- end }}
