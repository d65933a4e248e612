import type { Settings } from '../settings/schema.ts'
import type { EvidenceClass } from '../words/evidence.ts'

/** How evidence of a class may leave the host. */
export type Clearance =
  | { readonly kind: 'sealed'; readonly recipients: readonly string[] }
  | { readonly kind: 'plain' }
  | { readonly kind: 'closed'; readonly reason: string }

/**
 * The decision that fails closed. With recipients everything but class `open` is sealed; class `memory` leaves sealed
 * or not at all, unless the builder wrote `seal.unsealed = "allow"` in settings that all parsed. Where a layer is broken it may
 * have named recipients, or others in place of those that are left: memory stays, and text leaves only sealed.
 */
export function clearance(of: EvidenceClass, seal: Settings['seal']): Clearance {
  if (of === 'open') return { kind: 'plain' }
  const { broken, recipients } = seal
  if (broken !== undefined && of === 'memory')
    return closed(`memory stays on the host while a settings layer is broken: ${broken}`)
  if (recipients.length > 0) return { kind: 'sealed', recipients }
  if (broken !== undefined)
    return closed(`it stays on the host while a settings layer is broken that may say whom to seal it to: ${broken}`)
  if (of === 'text' || seal.unsealed === 'allow') return { kind: 'plain' }
  return closed(
    'memory leaves the host only sealed, and no recipient is set: name one in seal.recipients (lastgasp keygen)',
  )
}

const closed = (reason: string): Clearance => ({ kind: 'closed', reason })

/**
 * Why nobody asked for live evidence, if so: whoever names no recipient has chosen that memory stays, and a host that dies
 * healthy is complete without it. (A crash that cannot leave, or settings that are broken, are another matter.)
 */
export function unasked(seal: Settings['seal']): string | undefined {
  const cleared = clearance('memory', seal)
  return cleared.kind === 'closed' && seal.broken === undefined ? cleared.reason : undefined
}
