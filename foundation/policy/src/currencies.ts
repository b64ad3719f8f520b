/**
 * Digits after the point of each currency (ISO 4217, and a few tokens by their own contracts).
 *
 * A closed table, not `Intl`: the runtime's own data changes between versions, and an amount must mean the same in every
 * verifier for ever. Entries are added, never changed. Tokens of 18 digits are left out on purpose: 2^53 of their
 * smallest unit is less than a hundredth of one token, so no useful amount of them would be exact here.
 */
const byDigits: Readonly<Record<number, string>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  2: `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP
      CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES
      KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK
      NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB
      TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG`,
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
  6: 'USDC USDT',
  8: 'BTC',
};

const digits = new Map<string, number>(
  Object.entries(byDigits).flatMap(([count, codes]) =>
    codes.split(/\s+/).map((code): [string, number] => [code, Number(count)]),
  ),
);

/** Digits after the point, or undefined for a currency that is not in the table. */
export function currencyDigits(currency: string): number | undefined {
  return digits.get(currency);
}

/** Every currency of the table, sorted. */
export const currencies: readonly string[] = Object.freeze([...digits.keys()].sort());
