"""
Validate RO-Crates with roc-validator, in an environment of its own (requirements/crates.lock) and without a network.

The validator brings the profiles along as SHACL. The one document it would fetch is the JSON-LD context of RO-Crate
1.1; it is answered from the package ``rocrate``, which ships it. Whatever else it asks for is an error.

Usage: ``python validate.py [--should] FOLDER...``; one JSON document on stdout: folder -> profiles, checks, issues.
"""

import json
import sys
from importlib.resources import files
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from rocrate_validator import models, services

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROFILE = "workflow-run-crate-0.5"


def answer(adapter, request, **options):
    """Answer for the one address that is known; nothing leaves this process."""
    if request.url != CONTEXT:
        raise requests.ConnectionError(f"not without a network: {request.url}")
    response = requests.Response()
    response.status_code, response.url, response.request = 200, request.url, request
    response.headers["Content-Type"] = "application/ld+json"
    response._content = (files("rocrate") / "data" / "ro-crate.jsonld").read_bytes()
    return response


def checked(folder, severity):
    """Check one crate against the strictest profile; those it builds on are checked with it."""
    settings = services.ValidationSettings(
        rocrate_uri=str(folder),
        profile_identifier=PROFILE,
        requirement_severity=severity,
        abort_on_first=False,
        no_cache=True,
    )
    result = services.validate(settings)
    found = [
        {
            "severity": issue.severity.name,
            "check": issue.check.identifier,
            "entity": str(issue.violatingEntity or ""),
            "message": issue.message,
        }
        for issue in result.get_issues(severity)
    ]
    profiles = sorted({check.requirement.profile.identifier for check in result.executed_checks})
    return {"profiles": profiles, "checks": len(result.executed_checks), "issues": found}


def main(arguments):
    """Check every folder."""
    HTTPAdapter.send = answer
    severity = models.Severity.RECOMMENDED if "--should" in arguments else models.Severity.REQUIRED
    folders = [Path(one) for one in arguments if one != "--should"]
    print(json.dumps({str(folder): checked(folder, severity) for folder in folders}))


if __name__ == "__main__":
    main(sys.argv[1:])
