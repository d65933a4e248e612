import type { Death } from './death.ts'
import { named } from './kernel-names.ts'
import { placeOf } from './place-of.ts'

/** mm/oom_kill.c, __oom_kill_process() */
const KILLED = /^(Memory cgroup out of memory|Out of memory[^:]{0,40}): Kill(?:ed)? process (\d+) \((.{0,15})\)[, ]/
/** mm/oom_kill.c, dump_oom_summary(): the line before it, which names the group. Since Linux 5.0. */
const KILLED_IN = /^oom-kill:constraint=.*,task_memcg=(.*),task=(.{0,15}),pid=(\d+),uid=(\d+)$/

/** In which group somebody is killed for want of memory, and by whom: said before the kill itself; undefined for all other messages. */
export function killPlace(text: string): { readonly pid: number; readonly place: Death['subject'] } | undefined {
  const [, cgroup, , victim, uid] = KILLED_IN.exec(text) ?? []
  if (cgroup === undefined) return undefined
  return { pid: Number(victim), place: { uid: Number(uid), ...placeOf(cgroup) } }
}

/** Who was killed for want of memory, of the host or at the limit of a group; undefined for all other messages. */
export function killOf(text: string): (Pick<Death, 'subject' | 'scope'> & { readonly pid: number }) | undefined {
  const [, whose, pid, name] = KILLED.exec(text) ?? []
  if (pid === undefined) return undefined
  const scope = whose?.startsWith('Memory cgroup') ? 'group' : 'host'
  return { pid: Number(pid), subject: { pid: Number(pid), ...named(name) }, scope }
}
