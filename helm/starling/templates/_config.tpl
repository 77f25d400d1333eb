{{- /* The kind of store: sqlite, memory, cassandra, or nothing yet. */ -}}
{{- define "starling.storeKind" -}}
{{- $url := dig "store" "url" "" .Values.config -}}
{{- if $url }}{{ first (splitList ":" $url) }}{{ end -}}
{{- end -}}

{{- define "starling.isMigrated" -}}
{{- if and .Values.migration.enabled (eq (include "starling.storeKind" .) "cassandra") }}yes{{ end -}}
{{- end -}}

{{- /* Every secret: the file that it becomes, and the option that names the file. */ -}}
{{- define "starling.secretOptions" -}}
adminToken: http.adminTokenFile
cassandraPassword: store.cassandra.passwordFile
cassandraCa: store.cassandra.tls.caFile
cassandraCert: store.cassandra.tls.certFile
cassandraKey: store.cassandra.tls.keyFile
timeseriesToken: timeseries.auth.tokenFile
timeseriesPassword: timeseries.auth.passwordFile
timeseriesCa: timeseries.tls.caFile
timeseriesCert: timeseries.tls.certFile
timeseriesKey: timeseries.tls.keyFile
controlPlaneToken: controlPlane.auth.tokenFile
controlPlaneClientSecret: controlPlane.auth.clientSecretFile
controlPlaneCa: controlPlane.tls.caFile
controlPlaneCert: controlPlane.tls.certFile
controlPlaneKey: controlPlane.tls.keyFile
{{- end -}}

{{- /* The secrets that are given. Call with (dict "root" $ "migration" bool): the migration has its own password, and the others not. */ -}}
{{- define "starling.secretsGiven" -}}
{{- $root := .root -}}
{{- $options := include "starling.secretOptions" $root | fromYaml -}}
{{- if .migration -}}
{{- $options = pick $options "cassandraPassword" "cassandraCa" "cassandraCert" "cassandraKey" -}}
{{- end -}}
{{- $given := dict -}}
{{- range $name, $option := $options -}}
{{- $source := $name -}}
{{- if and $.migration (eq $name "cassandraPassword") $root.Values.migration.cassandraUser -}}
{{- $source = "migrationPassword" -}}
{{- end -}}
{{- $secret := index $root.Values.secrets $source | default dict -}}
{{- if or $secret.key $secret.value -}}
{{- $ours := printf "%s%s" (include "starling.fullname" $root) (ternary "-migrate" "" (eq $.migration true)) -}}
{{- $_ := set $given $name (dict
  "option" $option
  "file" (kebabcase $source)
  "value" ($secret.value | default "")
  "key" ($secret.key | default (kebabcase $source))
  "secretName" (ternary $ours ($secret.existingSecret | default $root.Values.secrets.existingSecret) (not (empty $secret.value)))) -}}
{{- end -}}
{{- end -}}
{{- toYaml $given -}}
{{- end -}}

{{- /* For people: the Secrets that must be there already, each with its keys. */ -}}
{{- define "starling.secretsNeeded" -}}
{{- $needed := dict -}}
{{- range $migration := list false true -}}
{{- range $name, $secret := include "starling.secretsGiven" (dict "root" $ "migration" $migration) | fromYaml -}}
{{- if not $secret.value -}}
{{- $_ := set $needed $secret.secretName (append (get $needed $secret.secretName | default list) $secret.key | uniq) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $told := list -}}
{{- range $name, $keys := $needed }}{{ $told = append $told (printf "%s (%s)" $name (join ", " $keys)) }}{{ end -}}
{{- join ", " $told -}}
{{- end -}}

{{- /* Sets an option by its key with dots. Call with (list $map "a.b.c" value). */ -}}
{{- define "starling.setOption" -}}
{{- $map := index . 0 -}}
{{- $parts := splitList "." (index . 1) -}}
{{- range $part := initial $parts -}}
{{- if not (hasKey $map $part) }}{{ $_ := set $map $part dict }}{{ end -}}
{{- $map = index $map $part -}}
{{- end -}}
{{- $_ := set $map (last $parts) (index . 2) -}}
{{- end -}}

{{- define "starling.platformName" -}}
{{ include "starling.fullname" . }}-platform
{{- end -}}

{{- /* What the chart itself knows; the file of the user comes after it. Call with (dict "root" $ "migration" bool). */ -}}
{{- define "starling.chartConfig" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $config := dict -}}
{{- range $name, $secret := include "starling.secretsGiven" . | fromYaml -}}
{{- include "starling.setOption" (list $config $secret.option (printf "/etc/starling/secrets/%s" $secret.file)) -}}
{{- end -}}
{{- if .migration -}}
{{- with $values.migration.cassandraUser }}{{ include "starling.setOption" (list $config "store.cassandra.user" .) }}{{ end -}}
{{- else -}}
{{- include "starling.setOption" (list $config "http.admin" (printf "%s:%v" (ternary "0.0.0.0" "127.0.0.1" $values.admin.exposed) $values.ports.admin)) -}}
{{- include "starling.setOption" (list $config "http.health" (printf "0.0.0.0:%v" $values.ports.health)) -}}
{{- include "starling.setOption" (list $config "http.metrics" (printf "0.0.0.0:%v" $values.ports.metrics)) -}}
{{- if $values.admin.exposed -}}
{{- $service := include "starling.fullname" $root -}}
{{- $namespace := include "starling.namespace" $root -}}
{{- $hosts := list $service (printf "%s.%s" $service $namespace) (printf "%s.%s.svc" $service $namespace) (printf "%s.%s.svc.cluster.local" $service $namespace) -}}
{{- if $values.ingress.enabled }}{{ range $values.ingress.hosts }}{{ $hosts = append $hosts .host }}{{ end }}{{ end -}}
{{- if $values.httpRoute.enabled }}{{ $hosts = concat $hosts $values.httpRoute.hostnames }}{{ end -}}
{{- include "starling.setOption" (list $config "http.allowedHosts" (concat $hosts $values.admin.hosts | uniq)) -}}
{{- end -}}
{{- with $values.controlPlane.kubernetes -}}
{{- if .enabled -}}
{{- include "starling.setOption" (list $config "controlPlane.kind" "kubernetes") -}}
{{- $namespaces := .namespaces | default (list (include "starling.namespace" $root)) -}}
{{- include "starling.setOption" (list $config "controlPlane.kubernetes.namespaces" (ternary (list "*") $namespaces .clusterWide)) -}}
{{- end -}}
{{- end -}}
{{- if $values.platform.enabled -}}
{{- include "starling.setOption" (list $config "controlPlane.url" (printf "http://%s:%v" (include "starling.platformName" $root) $values.platform.port)) -}}
{{- include "starling.setOption" (list $config "timeseries.profiles" (list "platform")) -}}
{{- end -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{- /* The user's part. The migration needs the store alone, and runs as its own role: what the user says of the role goes. */ -}}
{{- define "starling.userConfig" -}}
{{- $config := deepCopy .root.Values.config -}}
{{- if .migration -}}
{{- $config = pick $config "store" "telemetry" -}}
{{- end -}}
{{- if and .migration .root.Values.migration.cassandraUser (hasKey (dig "store" "cassandra" dict $config) "user") -}}
{{- $_ := unset $config.store.cassandra "user" -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{- /* The two files, as data of a ConfigMap. Call with (dict "root" $ "migration" bool). */ -}}
{{- define "starling.configFiles" -}}
chart.yaml: |
  {{- include "starling.chartConfig" . | nindent 2 }}
starling.yaml: |
  {{- include "starling.userConfig" . | nindent 2 }}
{{- end -}}

{{- /* The values that the chart was given for secrets, as data of a Secret; empty: it makes none. */ -}}
{{- define "starling.secretData" -}}
{{- range $name, $secret := include "starling.secretsGiven" . | fromYaml }}
{{- if $secret.value }}
{{ $secret.key }}: {{ $secret.value | b64enc | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Ports in addresses with commas between them, as text with commas and without doubles. Call with (list "host:port,host" 9042). */ -}}
{{- define "starling.portsIn" -}}
{{- $fallback := index . 1 -}}
{{- $ports := list -}}
{{- range $host := splitList "," (index . 0) -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" $host | trimPrefix ":" | default (toString $fallback)) -}}
{{- end -}}
{{- $ports | uniq | join "," -}}
{{- end -}}

{{- /* The same of URLs. Call with the list of them. */ -}}
{{- define "starling.urlPorts" -}}
{{- $ports := list -}}
{{- range $text := . -}}
{{- $url := urlParse $text -}}
{{- $ports = append $ports (include "starling.portsIn" (list $url.host (ternary 443 80 (eq $url.scheme "https")))) -}}
{{- end -}}
{{- $ports | uniq | join "," -}}
{{- end -}}
