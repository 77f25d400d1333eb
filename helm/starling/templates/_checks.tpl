{{- /* What the schema cannot say: each fault names the value and the mend; all are told at once. */ -}}
{{- define "starling.check" -}}
{{- $v := .Values -}}
{{- $faults := list -}}
{{- $store := include "starling.storeKind" . -}}
{{- $replicas := include "starling.replicas" . | fromYaml -}}
{{- $most := int $replicas.most -}}
{{- $least := int $replicas.least -}}

{{- if not $store -}}
{{- $faults = append $faults "config.store.url is not set: say cassandra://host1,host2/starling?dc=dc1, or sqlite:/var/lib/starling/starling.db with replicaCount: 1" -}}
{{- end -}}
{{- if not (dig "timeseries" "url" "" $v.config) -}}
{{- $faults = append $faults "config.timeseries.url is not set: say where Prometheus answers, such as http://prometheus-operated.monitoring:9090" -}}
{{- end -}}
{{- $kind := dig "controlPlane" "kind" "" $v.config -}}
{{- if not (or (dig "controlPlane" "url" "" $v.config) $v.platform.enabled $v.controlPlane.kubernetes.enabled (eq $kind "kubernetes")) -}}
{{- $faults = append $faults "config.controlPlane.url is not set: say where your control plane answers, or set platform.enabled: true to try Starling on its own platform" -}}
{{- end -}}

{{- if and $v.platform.enabled $v.controlPlane.kubernetes.enabled -}}
{{- $faults = append $faults "platform.enabled and controlPlane.kubernetes.enabled are both true: there is one control plane; switch one off" -}}
{{- end -}}

{{- /* With a kubeconfig it is another cluster, and the rights are given there. */ -}}
{{- if and (eq $kind "kubernetes") (not $v.controlPlane.kubernetes.enabled) (not (dig "controlPlane" "kubernetes" "kubeconfigFile" "" $v.config)) -}}
{{- $faults = append $faults "config.controlPlane.kind is kubernetes, but controlPlane.kubernetes.enabled is false, so the Pods have neither token nor rights: say controlPlane.kubernetes.enabled: true" -}}
{{- end -}}
{{- if and $kind (ne $kind "kubernetes") $v.controlPlane.kubernetes.enabled -}}
{{- $faults = append $faults (printf "config.controlPlane.kind is %s, but controlPlane.kubernetes.enabled is true: there is one control plane; remove one of them" $kind) -}}
{{- end -}}
{{- if and $v.controlPlane.kubernetes.enabled (dig "controlPlane" "kubernetes" "namespaces" "" $v.config) -}}
{{- $faults = append $faults "config.controlPlane.kubernetes.namespaces is set by the chart, which grants the rights there: say controlPlane.kubernetes.namespaces, or clusterWide: true" -}}
{{- end -}}

{{- if and (has $store (list "sqlite" "memory")) (gt $most 1) -}}
{{- $faults = append $faults (printf "%s, but config.store.url is %s: replicas on several machines cannot share it, so each would scale every function; say replicaCount: 1 and autoscaling.enabled: false, or use Cassandra" $replicas.value $store) -}}
{{- end -}}
{{- if eq $store "sqlite" -}}
{{- $file := dig "store" "url" "" $v.config | trimPrefix "sqlite:" | trimPrefix "//" -}}
{{- if not (hasPrefix (printf "%s/" (trimSuffix "/" $v.persistence.mountPath)) $file) -}}
{{- $faults = append $faults (printf "config.store.url names %s, but the root file system is read-only: say sqlite:%s/starling.db" $file (trimSuffix "/" $v.persistence.mountPath)) -}}
{{- end -}}
{{- else if $v.persistence.enabled -}}
{{- $faults = append $faults "persistence.enabled is for an SQLite file, and config.store.url names none: say persistence.enabled: false" -}}
{{- end -}}

{{- range $option := list "admin" "health" "metrics" -}}
{{- if dig "http" $option "" $v.config -}}
{{- $faults = append $faults (printf "config.http.%s is set by the chart: say ports.%s%s instead" $option $option (ternary " and admin.exposed" "" (eq $option "admin"))) -}}
{{- end -}}
{{- end -}}

{{- range $name, $secret := omit $v.secrets "existingSecret" -}}
{{- if and $secret.key $secret.value -}}
{{- $faults = append $faults (printf "secrets.%s has both key and value: say key for a Secret that exists, or value for one that the chart makes" $name) -}}
{{- else if and $secret.key (not (or $secret.existingSecret $v.secrets.existingSecret)) -}}
{{- $faults = append $faults (printf "secrets.%s.key is %q, but no Secret is named: say secrets.existingSecret or secrets.%s.existingSecret" $name $secret.key $name) -}}
{{- else if and $secret.existingSecret (not $secret.key) -}}
{{- $faults = append $faults (printf "secrets.%s.existingSecret is %q, but no key of it is named: say secrets.%s.key" $name $secret.existingSecret $name) -}}
{{- end -}}
{{- end -}}

{{- /* Values from variables cannot be seen from here. */ -}}
{{- if not (or $v.extraEnv $v.extraEnvFrom) -}}
{{- $given := include "starling.secretsGiven" (dict "root" . "migration" false) | fromYaml -}}
{{- $wanted := list
  (list (dig "store" "cassandra" "user" "" $v.config) "config.store.cassandra.user is set" "cassandraPassword" (dig "store" "cassandra" "passwordFile" "" $v.config))
  (list (eq (dig "timeseries" "auth" "kind" "" $v.config) "bearer") "config.timeseries.auth.kind is bearer" "timeseriesToken" (dig "timeseries" "auth" "tokenFile" "" $v.config))
  (list (has (dig "timeseries" "auth" "kind" "" $v.config) (list "basic" "token-exchange")) (printf "config.timeseries.auth.kind is %s" (dig "timeseries" "auth" "kind" "" $v.config)) "timeseriesPassword" (dig "timeseries" "auth" "passwordFile" "" $v.config))
  (list (eq (dig "controlPlane" "auth" "kind" "" $v.config) "bearer") "config.controlPlane.auth.kind is bearer" "controlPlaneToken" (dig "controlPlane" "auth" "tokenFile" "" $v.config))
  (list (eq (dig "controlPlane" "auth" "kind" "" $v.config) "oauth2") "config.controlPlane.auth.kind is oauth2" "controlPlaneClientSecret" (dig "controlPlane" "auth" "clientSecretFile" "" $v.config))
  (list $v.admin.exposed "admin.exposed is true" "adminToken" (dig "http" "adminTokenFile" "" $v.config)) -}}
{{- range $wanted -}}
{{- if and (index . 0) (not (hasKey $given (index . 2))) (not (index . 3)) -}}
{{- $faults = append $faults (printf "%s, but secrets.%s is missing: say its key and secrets.existingSecret" (index . 1) (index . 2)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $v.migration.cassandraUser (not (or $v.secrets.migrationPassword.key $v.secrets.migrationPassword.value)) -}}
{{- $faults = append $faults "migration.cassandraUser is set, but secrets.migrationPassword is missing: say its key and secrets.existingSecret" -}}
{{- end -}}

{{- $budget := $v.podDisruptionBudget -}}
{{- $hasLeast := not (kindIs "invalid" $budget.minAvailable) -}}
{{- $hasMost := not (kindIs "invalid" $budget.maxUnavailable) -}}
{{- if $budget.enabled -}}
{{- if and $hasLeast $hasMost -}}
{{- $faults = append $faults "podDisruptionBudget has both minAvailable and maxUnavailable: Kubernetes takes one of them; remove the other" -}}
{{- else if and $hasLeast (gt $least 1) (or (eq (toString $budget.minAvailable) "100%") (and (not (hasSuffix "%" (toString $budget.minAvailable))) (ge (int $budget.minAvailable) $least))) -}}
{{- $faults = append $faults (printf "podDisruptionBudget.minAvailable is %v of %d replicas, so no node could be drained: say less, or maxUnavailable: 1" $budget.minAvailable $least) -}}
{{- else if and $hasMost (has (toString $budget.maxUnavailable) (list "0" "0%")) -}}
{{- $faults = append $faults "podDisruptionBudget.maxUnavailable is 0, so no node could be drained: say 1" -}}
{{- end -}}
{{- end -}}
{{- if and $v.autoscaling.enabled (gt (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas)) -}}
{{- $faults = append $faults (printf "autoscaling.minReplicas is %d, above maxReplicas of %d: say less" (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- if and $v.autoscaling.enabled (not $v.autoscaling.targetCPUUtilizationPercentage) (not $v.autoscaling.metrics) -}}
{{- $faults = append $faults "autoscaling.enabled without a metric: say autoscaling.targetCPUUtilizationPercentage or autoscaling.metrics" -}}
{{- end -}}

{{- if and $v.serviceMonitor.enabled $v.podMonitor.enabled -}}
{{- $faults = append $faults "serviceMonitor.enabled and podMonitor.enabled are both true: everything would be scraped twice; switch one off" -}}
{{- end -}}
{{- range $door := list "ingress" "httpRoute" -}}
{{- if and (index $v $door).enabled (not $v.admin.exposed) -}}
{{- $faults = append $faults (printf "%s.enabled, but the admin API listens on the Pod's loopback alone: say admin.exposed: true and give secrets.adminToken" $door) -}}
{{- end -}}
{{- end -}}
{{- if and $v.httpRoute.enabled (not $v.httpRoute.parentRefs) -}}
{{- $faults = append $faults "httpRoute.parentRefs is empty: name the Gateway, such as [{name: web}]" -}}
{{- end -}}
{{- if and $v.ingress.enabled (not $v.ingress.hosts) -}}
{{- $faults = append $faults "ingress.hosts is empty: name a host, such as [{host: starling.example.com}]" -}}
{{- end -}}

{{- if $faults -}}
{{- fail (printf "\n\n%d of the values cannot be:\n  - %s\n" (len $faults) (join "\n  - " $faults)) -}}
{{- end -}}
{{- end -}}
