import type { Evidence, Hang } from '../evidence.ts'
import { named } from '../kernel-names.ts'
import { PLACES, type Rule, type Sign } from '../rule.ts'
import { whoTold } from '../who-told.ts'

/** kernel/hung_task.c, check_hung_task(). */
const HUNG = /^INFO: task (.{0,15}):(\d+) blocked(?: in I\/O wait)? for more than (\d+) seconds\./

/** Kernel functions in which a task sleeps (wchan of proc_pid_wchan(5)), and what it waits for: 6.1 to 6.12. */
const WAITS: readonly (readonly [RegExp, string])[] = [
  [/^(?:request_wait_answer|__fuse_|fuse_)/, 'for the process behind a FUSE file system'],
  [/^(?:rpc_|nfs|__nfs)/, 'for an NFS server'],
  [/^(?:cifs_|smb|wait_for_response)/, 'for an SMB server'],
  [/^(?:folio_wait|__folio_lock|wait_on_page|__lock_page|filemap_)/, 'for a page of a file'],
  [/^(?:jbd2_|start_this_handle|wait_transaction|xlog_|xfs_log|btrfs_|ext4_)/, 'for a file system to write its log'],
  [/^(?:blk_|bt_|rq_qos|wbt_|io_schedule|submit_bio_wait|bio_|blkdev_|__wait_on_buffer)/, 'for a disk'],
  [/^(?:rwsem_|__mutex|mutex_|down_|__down|percpu_rwsem)/, 'for a lock of the kernel'],
  [/^(?:percpu_ref_|sb_|__sb_|freeze_|thaw_)/, 'for a file system that is frozen'],
  [/^(?:synchronize_rcu|wait_rcu|__wait_rcu|rcu_)/, 'for all processors to pass a point'],
  [/^(?:loop_|nbd_|dm_|md_|raid)/, 'for a virtual disk'],
]

/** A kernel function's name. No user chooses one. */
const FUNCTION = /^[a-z_][a-z0-9_.]{0,63}$/

/** Waits that are somebody's own doing: of who has made a child by vfork(2), of who is frozen. */
const HARMLESS = /^(?:wait_for_vfork_done|kernel_clone|do_fork|__refrigerator|cgroup_)/

export const blocked: Rule = {
  name: 'blocked',
  kind: 'hang',
  reason:
    'A thread in uninterruptible sleep that has not run once between looks half a second apart waits for something that does not come; not even SIGKILL ends it. A busy disk wakes its readers again and again, so they are not taken for it. What the kernel itself reports waits for two minutes.',
  look: (evidence) => {
    const seen = evidence.hangs.flatMap((hang) => (hang.kind === 'blocked' ? [hang] : []))
    const looked = new Set(seen.map(({ tid }) => tid))
    return [...seen.filter(({ wchan = '' }) => !HARMLESS.test(wchan)).map(signOf), ...reported(evidence, looked)]
  },
}

function signOf({ who, tid, wchan }: Hang & { readonly kind: 'blocked' }): Sign {
  const known = wchan === undefined ? undefined : WAITS.find(([name]) => name.test(wchan))?.[1]
  const where = wchan !== undefined && FUNCTION.test(wchan) ? ` (${wchan})` : ''
  const thread = tid === who.pid ? '' : `thread ${tid} of `
  const sentence = `${upper(`${thread}${whoTold(who)}`)} sleeps uninterruptibly, waiting ${known ?? 'for something in the kernel'}${where}.`
  return { certainty: 'certain', subject: who, sentence, evidence: PLACES.blocked }
}

/** Those that the kernel has told of and nobody else, each once. */
function reported({ kernel }: Evidence, looked: ReadonlySet<number>): readonly Sign[] {
  const told = new Map<number, Sign>()
  for (const { text, at } of kernel) {
    const [, comm, tid, seconds] = HUNG.exec(text) ?? []
    if (tid === undefined || looked.has(Number(tid))) continue
    const subject = { ...named(comm), tid: Number(tid) }
    const sentence = `${whoTold(subject)} had slept uninterruptibly for more than ${seconds} s.`
    told.set(Number(tid), { certainty: 'certain', subject, at, sentence, evidence: PLACES.kernel })
  }
  return [...told.values()]
}

const upper = (text: string) => (text.startsWith('thread') ? `T${text.slice(1)}` : text)
