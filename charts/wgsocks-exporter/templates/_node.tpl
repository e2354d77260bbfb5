{{- /*
# SPDX-License-Identifier: Apache-2.0
The part of the pod that the agent and the cleanup share.
*/ -}}

{{- define "wgsocks-exporter.nodePod" -}}
automountServiceAccountToken: false
# A Service called wgsocks would otherwise put WGSOCKS_… into the environment.
enableServiceLinks: false
# The processes of all pods, and their network namespaces.
hostPID: true
hostNetwork: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
