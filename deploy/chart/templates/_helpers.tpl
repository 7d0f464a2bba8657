{{- define "ihas.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "ihas.labels" -}}
{{ include "ihas.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "ihas.selector" -}}
app.kubernetes.io/name: ihas
app.kubernetes.io/instance: {{ include "ihas.name" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "ihas.secret" -}}
{{- if .Values.secret.name -}}
{{ .Values.secret.name }}
{{- else if .Values.secret.values -}}
{{ include "ihas.name" . }}
{{- else -}}
{{- fail "State secret.name, a secret with the key database-url, or secret.values." -}}
{{- end -}}
{{- end -}}

{{- define "ihas.claim" -}}
{{- .Values.folder.existingClaim | default (printf "%s-runs" (include "ihas.name" .)) -}}
{{- end -}}

{{- define "ihas.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "ihas.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "ihas.env" -}}
- name: IHAS_DATABASE_URL
  valueFrom:
    secretKeyRef: {name: {{ include "ihas.secret" . }}, key: database-url}
{{- if .Values.artefactsUrl }}
- name: IHAS_ARTEFACTS_URL
  value: {{ .Values.artefactsUrl | quote }}
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef: {name: {{ include "ihas.secret" . }}, key: aws-access-key-id, optional: true}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef: {name: {{ include "ihas.secret" . }}, key: aws-secret-access-key, optional: true}
{{- end }}
{{- range $name, $value := merge (dict) .Values.variables .Values.settings }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{- define "ihas.rayToken" -}}
- name: RAY_AUTH_MODE
  value: token
- name: RAY_AUTH_TOKEN
  valueFrom:
    secretKeyRef: {name: {{ include "ihas.secret" . }}, key: ray-token}
{{- end -}}
