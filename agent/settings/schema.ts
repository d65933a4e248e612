// Replaced by the real schema; the shape is the contract.
export interface Settings {
  /** `s3://bucket/prefix` or `file:///path`; undefined when nobody named one. */
  readonly store: string | undefined
  /** ms */
  readonly deadline: number
  /** Overrides what the host calls itself. */
  readonly identity: string | undefined
  readonly s3: {
    readonly region: string | undefined
    readonly endpoint: string | undefined
    readonly addressing: 'virtual' | 'path'
    /** AWS account id that must own the bucket. */
    readonly owner: string | undefined
    /** `supported`: a checksum with every request; `required`: only where the operation demands one. */
    readonly checksums: 'supported' | 'required'
  }
  readonly seal: { readonly recipients: readonly string[]; readonly unsealed: 'deny' | 'allow' }
  readonly hold: { readonly wait: number }
  readonly facts: { readonly lines: number }
  readonly journal: { readonly limit: number; readonly boots: number }
  readonly cores: { readonly limit: number; readonly age: number; readonly directories: readonly string[] }
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' }
}
