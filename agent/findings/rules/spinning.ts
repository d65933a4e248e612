import { PLACES, type Rule } from '../rule.ts'
import { whoTold } from '../who-told.ts'

export const spinning: Rule = {
  name: 'spinning',
  kind: 'hang',
  reason:
    'A thread of a service that has had a processor all the time between looks, and long before, and meanwhile made no system call, touched no new page and wrote nothing: it does not get anywhere that anybody could see. Who computes for long without a word looks the same, so it is likely at most; whoever is niced has said that he computes.',
  look: ({ hangs }) =>
    hangs.flatMap((hang) => {
      if (hang.kind !== 'spinning') return []
      const { who, tid, seconds } = hang
      const thread = tid === who.pid ? '' : `, in thread ${tid}`
      const sentence = `${whoTold(who)} spins${thread}: it has used a processor for ${Math.round(seconds)} s, and asks nothing of the kernel.`
      return [{ certainty: 'likely', subject: who, sentence, evidence: PLACES.processes }]
    }),
}
