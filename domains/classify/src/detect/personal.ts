import { OpenRedaction } from '@openredaction/openredaction';
import type { Category, Finding } from '../verdict.ts';

/**
 * The patterns we ask for, by our category. Not the library's default set: its 563 patterns take each other's matches
 * (a phone number was reported as a social media id, "Hello" as a gamer's name), and most name no person.
 */
const patterns: Partial<Record<Category, readonly string[]>> = {
  contact: [
    'EMAIL',
    'PHONE_UK_MOBILE',
    'PHONE_UK',
    'PHONE_US',
    'PHONE_INTERNATIONAL',
    'ADDRESS_STREET',
    'ADDRESS_PO_BOX',
    'POSTCODE_UK',
  ],
  identity: [
    'NAME',
    'DATE_OF_BIRTH',
    'SSN',
    'NATIONAL_INSURANCE_UK',
    'PASSPORT_MRZ_TD3',
    'PASSPORT_MRZ_TD1',
    'VISA_MRZ',
    'PASSPORT_UK',
    'TAX_ID',
    'DRIVING_LICENSE_UK',
    'CANADIAN_SIN',
    'INDIAN_AADHAAR',
    'AUSTRALIAN_TFN',
    'FRENCH_SOCIAL_SECURITY',
    'SPANISH_DNI',
    'ITALIAN_FISCAL_CODE',
    'DUTCH_BSN',
    'POLISH_PESEL',
    'GERMAN_TAX_ID',
    'BRAZILIAN_CPF',
    'MEXICAN_CURP',
    'SINGAPORE_NRIC',
    'SOUTH_KOREAN_RRN',
    'BIOMETRIC_ID',
    'TRAVEL_DOCUMENT_NUMBER',
    'IMMIGRATION_NUMBER',
  ],
  financial: [
    'CREDIT_CARD',
    'IBAN',
    'CVV',
    'CVV_CODE',
    'CARD_TRACK1_DATA',
    'CARD_TRACK2_DATA',
    'UK_BANK_ACCOUNT_IBAN',
    'UK_SORT_CODE_ACCOUNT',
    'BANK_ACCOUNT_UK',
    'SORT_CODE_UK',
    'ROUTING_NUMBER_US',
    'SALARY_AMOUNT',
  ],
  health: [
    'NHS_NUMBER',
    'MEDICAL_RECORD_NUMBER',
    'PATIENT_ID',
    'HEALTH_PLAN_NUMBER',
    'PRESCRIPTION_NUMBER',
    'HEALTH_INSURANCE_CLAIM',
    'ALLERGY_INFO',
    'DRUG_DOSAGE',
    'ICD10_CODE',
    'AUSTRALIAN_MEDICARE',
    'DNA_SEQUENCE',
    'BLOOD_TYPE',
  ],
};

const categoryOfPattern = new Map(
  Object.entries(patterns).flatMap(([category, types]) => types.map((type) => [type, category] as const)),
);

/** One instance a category: the patterns of one library run exclude each other where they overlap. */
const detectors = Object.values(patterns).map(
  (types) => new OpenRedaction({ patterns: [...types], enableContextAnalysis: true, confidenceThreshold: 0.5 }),
);

/**
 * Some of the library's expressions take quadratic time (64 KiB of `1-` took 6.7 s, in windows 0.5 s), so it sees the
 * text in windows, in UTF-16 code units. The overlap is longer than any match of the patterns above.
 */
const WINDOW = 4096;
const OVERLAP = 256;

/** Data about a person. The library's result holds the matched values; only type and place leave this function. */
export async function personal(text: string): Promise<Finding[]> {
  const found: Finding[] = [];
  for (let start = 0; start === 0 || start + OVERLAP < text.length; start += WINDOW - OVERLAP) {
    const window = text.slice(start, start + WINDOW);
    for (const detector of detectors) {
      const { detections } = await detector.detect(window);
      for (const { type, position } of detections) {
        const category = categoryOfPattern.get(type) ?? 'unknown';
        found.push({ type: `${category}.${type.toLowerCase()}`, from: start + position[0], to: start + position[1] });
      }
    }
  }
  return found;
}
