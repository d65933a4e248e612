import { PLACES, type Rule } from '../rule.ts'

/** net/netfilter/nf_conntrack_core.c, __nf_conntrack_alloc(); in a network namespace its inode number. */
const FULL = /^nf_conntrack: (?:nf_conntrack: )?table full(?: in netns \d+)?, dropping packet/
/** Share of the table from which on new connections are dropped in bursts. */
const NEARLY = 0.98
/** ms: what was dropped longer ago was not what the host went for. */
const LATELY_MS = 10 * 60_000

export const connections: Rule = {
  name: 'connections',
  kind: 'exhausted',
  reason:
    'The firewall’s table of connections is full: packets of new ones are dropped, those that exist go on, so half of the host’s peers see nothing.',
  look: ({ connections: table, kernel, began }) => {
    const dropped = kernel.findLast(({ text, at }) => FULL.test(text) && at > began - LATELY_MS)
    const isFull = table !== undefined && table.used >= table.most * NEARLY
    if (dropped === undefined && !isFull) return []
    const how = table === undefined ? '' : `: ${table.used} of ${table.most} are in use`
    const sentence = `No more connections can be tracked, and packets are dropped${how}.`
    const when = dropped === undefined ? {} : { at: dropped.at }
    return [
      {
        certainty: dropped === undefined ? 'likely' : 'certain',
        ...when,
        sentence,
        evidence: dropped === undefined ? PLACES.connections : PLACES.kernel,
      },
    ]
  },
}
