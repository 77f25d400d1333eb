{{- /* What a ServiceMonitor and a PodMonitor share: one endpoint. Call with the values of either. */ -}}
{{- define "starling.monitorEndpoint" -}}
- port: metrics
  path: /metrics
  {{- with .interval }}
  interval: {{ . }}
  {{- end }}
  {{- with .scrapeTimeout }}
  scrapeTimeout: {{ . }}
  {{- end }}
  honorLabels: {{ .honorLabels }}
  {{- with .relabelings }}
  relabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .endpointConfig }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
