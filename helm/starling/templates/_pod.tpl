{{- /* What every Pod of the chart has. Call with (dict "root" $ …). */ -}}
{{- define "starling.podBasics" -}}
enableServiceLinks: {{ .Values.enableServiceLinks }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with .Values.schedulerName }}
schedulerName: {{ . }}
{{- end }}
{{- with .Values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "starling.containerBasics" -}}
image: {{ include "starling.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end -}}

{{- /* Environment and mounts of whatever reads the configuration. */ -}}
{{- define "starling.readsConfig" -}}
env:
  - name: STARLING_CONFIG
    value: /etc/starling/config/chart.yaml,/etc/starling/config/starling.yaml
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - {name: config, mountPath: /etc/starling/config, readOnly: true}
  - {name: secrets, mountPath: /etc/starling/secrets, readOnly: true}
  - {name: tmp, mountPath: /tmp}
  {{- if eq (include "starling.storeKind" .) "sqlite" }}
  - {name: data, mountPath: {{ .Values.persistence.mountPath }}}
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- /* Call with (dict "root" $ "migration" bool "data" volume-or-nothing). Folders, never single files: those are not updated. */ -}}
{{- define "starling.volumes" -}}
{{- $root := .root -}}
- name: config
  configMap:
    name: {{ include "starling.fullname" $root }}{{ if .migration }}-migrate{{ end }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range $name, $secret := include "starling.secretsGiven" . | fromYaml }}
      - secret:
          name: {{ $secret.secretName }}
          items:
            - {key: {{ $secret.key | quote }}, path: {{ $secret.file }}}
      {{- else }} []
      {{- end }}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- if eq (include "starling.storeKind" $root) "sqlite" }}
- name: data
  {{- if and $root.Values.persistence.enabled (not .isFresh) }}
  persistentVolumeClaim:
    claimName: {{ $root.Values.persistence.existingClaim | default (printf "%s-data" (include "starling.fullname" $root)) }}
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- end }}
{{- with $root.Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
