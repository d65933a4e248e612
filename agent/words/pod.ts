/** Which container of which pod something belongs to, by the names that Kubernetes has for them. */
export interface Pod {
  readonly pod: string
  readonly namespace: string
  /** Not known of a pod's own sandbox. */
  readonly containerName?: string
}

/** Names of namespaces and containers (RFC 1123 labels) and of pods (subdomains): nothing else is believed. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/
/** What kubelet calls the link to a container's log, in /var/log/containers. */
const LOG = /^([^_]+)_([^_]+)_(.+)-([0-9a-f]{64})\.log$/

/** Where the runtimes put it down: containerd, CRI-O, and Kubernetes itself (Docker's labels). */
const ANNOTATIONS = [
  ['io.kubernetes.cri.sandbox-name', 'io.kubernetes.cri.sandbox-namespace', 'io.kubernetes.cri.container-name'],
  ['io.kubernetes.pod.name', 'io.kubernetes.pod.namespace', 'io.kubernetes.container.name'],
] as const

/** The container whose log this is, by the log's name. */
export function podOfLog(name: string): { readonly id: string; readonly pod: Pod } | undefined {
  const [, pod, namespace, containerName, id] = LOG.exec(name) ?? []
  const known = plain(pod, namespace, containerName)
  return known === undefined || id === undefined ? undefined : { id, pod: known }
}

/** What a runtime's file on a container says of it: an OCI configuration, or Docker's. Undefined where that is nothing of the kind. */
export function podOfConfig(text: string): Pod | undefined {
  const config = parsed(text)
  const annotations = recordOf(config.annotations) ?? recordOf(recordOf(config.Config)?.Labels) ?? {}
  for (const names of ANNOTATIONS) {
    const [pod, namespace, container] = names.map((name) => annotations[name])
    // Of a sandbox CRI-O and Docker say that its name is POD.
    const known = plain(pod, namespace, container === 'POD' ? undefined : container)
    if (known !== undefined) return known
  }
  return undefined
}

function plain(pod: unknown, namespace: unknown, containerName: unknown): Pod | undefined {
  if (!is(SUBDOMAIN, pod) || !is(LABEL, namespace)) return undefined
  return { pod, namespace, ...(is(LABEL, containerName) && { containerName }) }
}

const is = (form: RegExp, value: unknown): value is string => typeof value === 'string' && form.test(value)

type Json = Readonly<Record<string, unknown>>

function parsed(text: string): Json {
  try {
    return recordOf(JSON.parse(text)) ?? {}
  } catch {
    return {}
  }
}

const recordOf = (value: unknown): Json | undefined =>
  typeof value === 'object' && value !== null ? (value as Json) : undefined
