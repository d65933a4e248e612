import { within } from '../../words/deadline.ts'
import { type Pod, podOfConfig, podOfLog } from '../../words/pod.ts'
import { HostReads } from './host-reads.ts'
import { ledger } from './ledger.ts'

/** Links to the logs of containers: kubelet makes them, and they outlive what a runtime says of a container that has ended. */
const LOGS = 'var/log/containers'
/** What runtimes say of a container while it runs: containerd, CRI-O, Docker. */
const CONFIGS = [
  (id: string) => `run/containerd/io.containerd.runtime.v2.task/k8s.io/${id}/config.json`,
  (id: string) => `run/containers/storage/overlay-containers/${id}/userdata/config.json`,
  (id: string) => `var/lib/docker/containers/${id}/config.v2.json`,
]
/** Such a file has some 20 KiB: mounts, environment and limits. */
const CONFIG_BYTES = 1024 * 1024
/** A node has 110 pods by default. */
const MOST = 512
/** ms: names are worth no more, to a host that goes. */
const NAMES_MS = 1_000

/** Whose containers these are, by their ids, as far as files tell. Never rejects: where they hang, or are none of Kubernetes, nobody is named. */
export async function podsOf(
  root: string,
  ids: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Pod>> {
  const pods = new Map<string, Pod>()
  if (ids.size === 0) return pods
  using reads = new HostReads(root, ledger(), within(NAMES_MS, signal))
  for (const name of (await reads.names(LOGS, { optional: true })) ?? []) {
    const log = podOfLog(name)
    if (log !== undefined && ids.has(log.id)) pods.set(log.id, log.pod)
  }
  for (const id of [...ids].filter((id) => !pods.has(id)).slice(0, MOST)) {
    for (const path of CONFIGS) {
      const text = await reads.text(path(id), { limit: CONFIG_BYTES, optional: true })
      const pod = text === undefined ? undefined : podOfConfig(text)
      if (pod === undefined) continue
      pods.set(id, pod)
      break
    }
  }
  return pods
}

/** The same things, of which those of a container that has a name have it too. */
export async function named<Thing extends { readonly container?: string | undefined }>(
  root: string,
  things: readonly Thing[],
  signal: AbortSignal,
): Promise<readonly (Thing & Partial<Pod>)[]> {
  const ids = new Set(things.flatMap(({ container }) => container ?? []))
  const pods = await podsOf(root, ids, signal)
  return things.map((thing) => ({ ...thing, ...(thing.container !== undefined && pods.get(thing.container)) }))
}
