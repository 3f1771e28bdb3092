"""The agent card, read and judged by A2A's own library.

documents.py FILE SCHEMES
"""

import sys

from a2a.types import a2a_pb2
from a2a.utils.proto_utils import validate_proto_required_fields
from google.protobuf import json_format

with open(sys.argv[1]) as file:
    # Refuses fields that the specification does not have.
    card = json_format.Parse(file.read(), a2a_pb2.AgentCard())
validate_proto_required_fields(card)
bindings = [interface.protocol_binding for interface in card.supported_interfaces]
assert bindings and not {"JSONRPC", "GRPC", "HTTP+JSON"} & set(bindings), bindings
assert sorted(card.security_schemes) == sys.argv[2].split(), card.security_schemes
for requirement in card.security_requirements:
    assert set(requirement.schemes) <= set(card.security_schemes), requirement
