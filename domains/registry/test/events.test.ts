import { CaponierError, crypto } from '@caponier/crypto';
import { makeOwner, testSigner } from '@caponier/testkit';
import { leafHash, verifyProofFile } from '@caponier/tlog';
import { RegistryHttp } from '@caponier/verify';
import { afterEach, expect, it } from 'vitest';
import { bench, closeAll, logKeys, origin, registrySigner } from './setup.ts';

afterEach(closeAll);

it('takes the events of a service as the verify module hands them in, and proves each', async () => {
  const { broker, gate, workers, relay } = await makeOwner('deployment');
  const b = await bench({ services: [gate.did] });
  const [witness] = b.witnesses;
  const services = {
    broker,
    gate,
    workers,
    relay,
    registry: registrySigner,
    logOrigin: origin,
    witness: witness!.signer,
    witnessName: witness!.name,
  };
  const ada = await makeOwner('ada', { clock: b.clock, services });
  await b.append(ada.chain.wire());
  const events = (signer: typeof gate) =>
    new RegistryHttp({
      url: 'http://registry',
      fetch: (url, init) => b.request(new URL(url).pathname + new URL(url).search, init),
      signer,
      registry: registrySigner.did,
      owner: null,
      random: ada.random,
      clock: b.clock,
    });
  const leaves = ['a', 'b', 'c'].map((name) => crypto.sha256(new TextEncoder().encode(name)));
  const ours = events(ada.gate);
  expect(await ours.submit(leaves)).toEqual([0, 1, 2]);
  expect(await ours.submit(leaves.slice(1))).toEqual([1, 2]);
  const policy = { log: logKeys[1]!, witnesses: [witness!.key], k: 1 };
  const proof = await ours.prove(1);
  expect(verifyProofFile(proof, leafHash(leaves[1]!), policy).index).toBe(1);
  expect(() => verifyProofFile(proof, leafHash(leaves[2]!), policy)).toThrow();
  await expect(ours.prove(9)).rejects.toBeInstanceOf(CaponierError);
  await expect(events(testSigner('stranger')).submit(leaves)).rejects.toMatchObject({ code: 'registry.not_service' });
});
