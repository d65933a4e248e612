import { PLACES, type Rule } from '../rule.ts'
import { whoTold } from '../who-told.ts'

/** Share of a limit from which on nothing can be opened that a program needs at once. */
const NEARLY = 0.95
/** Descriptors: a lower limit is a precaution of the program's own. */
const FEW = 32

export const descriptors: Rule = {
  name: 'descriptors',
  kind: 'exhausted',
  reason:
    'Nothing can be opened or accepted any more: by a process that has all the descriptors that it may have (LimitNOFILE=), or by anybody (fs.file-max). A server without descriptors looks idle.',
  look: ({ files, descriptors: all }) => [
    ...(files === undefined || files.used < files.most * NEARLY
      ? []
      : [
          {
            certainty: 'certain' as const,
            sentence: `The host has no more open files: ${files.used} of ${files.most} are in use.`,
            evidence: PLACES.files,
          },
        ]),
    ...all
      .filter(({ used, most }) => most >= FEW && used >= most * NEARLY)
      .map(({ who, used, most }) => ({
        certainty: used >= most ? ('certain' as const) : ('likely' as const),
        subject: who,
        sentence: `${whoTold(who)} has all the descriptors that it may have: ${used} of ${most}.`,
        evidence: PLACES.processes,
      })),
  ],
}
