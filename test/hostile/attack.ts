import type { BundleName } from '../../agent/bundle/keys.ts'
import type { BundlePlan, Piece } from '../operator/bundle/bundle.ts'

/** What an attacker may write who owns a host: everything below its prefix, and its keys in the index. */
export interface Hostile extends Pick<BundlePlan, 'pieces' | 'others' | 'manifest' | 'end'> {
  /** Objects below the bundle's prefix, of which no receipt tells. */
  readonly objects?: Readonly<Record<string, string | Buffer>>
  /** Objects by their whole keys. */
  readonly keys?: Readonly<Record<string, string | Buffer>>
}

/** Where an attack is tried. */
export interface Target {
  /** The bundle that the attacker writes. */
  readonly name: BundleName
  /** A command that must never run: it makes a file which the test looks for. */
  readonly command: string
  /** A directory of the operator's with nothing of the bundle in it, which a bundle may know of. */
  readonly operators: string
}

export interface Attack {
  readonly name: string
  readonly make: (target: Target) => Hostile | Promise<Hostile>
}

/** Stored bytes that are said to be frames, and are what the attacker likes. */
export function forged(artifact: string, source: string, content: Buffer, bytesIn = content.length): Piece {
  return { artifact, source, content, encoding: 'as-is', receipt: { encoding: 'frames', bytesIn } }
}
