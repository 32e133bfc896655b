{{- define "chimera.labels" -}}
app.kubernetes.io/name: chimera
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "chimera.selector" -}}
app.kubernetes.io/name: chimera
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "chimera.config" -}}
{{- $own := dict "listen" (dict "host" "0.0.0.0" "port" 8080 "open" (not .Values.config.keys)) -}}
{{- $store := merge (dict "path" "/data/traces.db") (default (dict) .Values.config.store) -}}
{{- toYaml (merge $own (dict "store" $store) .Values.config) -}}
{{- end }}
