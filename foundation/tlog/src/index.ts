export {
  type CheckpointPolicy,
  type Cosigned,
  claimedOrigin,
  cosignCheckpoint,
  type Head,
  openCheckpoint,
  signCheckpoint,
  VerifiedCheckpoint,
} from './checkpoint.ts';
export { TreeEdge } from './edge.ts';
export { emptyRoot, hashLength, leafHash, nodeHash } from './hash.ts';
export {
  decodeEventsLeaf,
  decodeOwnersLeaf,
  encodeEventsLeaf,
  encodeOwnersLeaf,
  eventsLeafLength,
  type OwnersLeaf,
  ownersLeafLength,
} from './leaf.ts';
export { maxNoteLength, type Note, type NoteSignature, parseSignatures } from './note.ts';
export { formatProofFile, type ProofFile, parseProofFile, verifyProofFile } from './proof-file.ts';
export { type NodeReader, proveConsistency, proveInclusion, rangeRoot } from './prove.ts';
export { CompactRange } from './range.ts';
export {
  decodeBundle,
  encodeBundle,
  nodesFromTiles,
  parseTilePath,
  type Tile,
  type TileName,
  type TileReader,
  tilePath,
  tileWidth,
  tileWidthAt,
} from './tile.ts';
export { verifyConsistency, verifyInclusion } from './verify.ts';
export { formatVkey, logKey, type NoteKey, type NoteKeyType, parseVkey, witnessKey } from './vkey.ts';
export {
  type AddCheckpoint,
  formatAddCheckpoint,
  maxAddCheckpointLength,
  parseAddCheckpoint,
} from './witness-request.ts';
