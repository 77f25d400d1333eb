{{- define "starling.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- /* 50 characters: the longest of our endings still fits into the 63 of a label. */ -}}
{{- define "starling.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "starling.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "starling.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* The fewest and the most replicas there are meant to be, and how that is said. Where something else scales them, two stand for several. */ -}}
{{- define "starling.replicas" -}}
{{- $auto := .Values.autoscaling -}}
{{- $count := .Values.replicaCount -}}
{{- if $auto.enabled -}}
{{- dict "least" $auto.minReplicas "most" $auto.maxReplicas "value" (printf "autoscaling.maxReplicas is %d" (int $auto.maxReplicas)) "told" (printf "%d to %d replicas" (int $auto.minReplicas) (int $auto.maxReplicas)) | toYaml -}}
{{- else if kindIs "invalid" $count -}}
{{- dict "least" 2 "most" 2 "value" "replicaCount is null, so something else scales it" "told" "as many replicas as something else wants" | toYaml -}}
{{- else -}}
{{- dict "least" $count "most" $count "value" (printf "replicaCount is %d" (int $count)) "told" (printf "%d %s" (int $count) (ternary "replica" "replicas" (eq (int $count) 1))) | toYaml -}}
{{- end -}}
{{- end -}}

{{- define "starling.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "starling.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "starling.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "starling.image" -}}
{{- with .Values.image -}}
{{- if .registry }}{{ .registry }}/{{ end }}{{ .repository }}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end -}}

{{- /* Call with (list $ "component"). These never change: a Deployment refuses new selectors. */ -}}
{{- define "starling.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "starling.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- /* Call with (list $ "component"). */ -}}
{{- define "starling.labels" -}}
{{- $root := index . 0 -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/version" ($root.Chart.AppVersion | replace "+" "_" | trunc 63)
  "app.kubernetes.io/managed-by" $root.Release.Service
  "app.kubernetes.io/part-of" (include "starling.name" $root) -}}
{{- $selector := include "starling.selector" . | fromYaml -}}
{{- merge (dict) $selector $own $root.Values.commonLabels | toYaml -}}
{{- end -}}

{{- /* The head of an object's metadata. Call with (dict "root" $ "component" … "name" … "namespace" … "labels" … "annotations" …). */ -}}
{{- define "starling.metadata" -}}
name: {{ .name }}
{{- if not .isClusterWide }}
namespace: {{ .namespace | default (include "starling.namespace" .root) }}
{{- end }}
labels:
  {{- merge (dict) (include "starling.labels" (list .root .component) | fromYaml) (.labels | default dict) | toYaml | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
