"""Writes holidays.tsv anew: pip install holidays; python write_holidays.py > holidays.tsv"""

import holidays

YEARS = range(2026, 2032)

print(f"# Public holidays of whole countries, {YEARS[0]} to {YEARS[-1]}: country, day, name.")
print(f"# Written by write_holidays.py from https://pypi.org/project/holidays/ {holidays.__version__} (MIT).")
for country in sorted(code for code in holidays.list_supported_countries() if len(code) == 2):
    supported = getattr(holidays, country).supported_languages
    language = next((wanted for wanted in ("en_US", "en_GB") if wanted in supported), None)
    days = holidays.country_holidays(country, years=YEARS, language=language)
    for day in sorted(days):
        print(country, day.isoformat(), days[day].replace("\t", " "), sep="\t")
