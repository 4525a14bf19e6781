"""Reads from template.yaml what each role may do, with the names of the local stack."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

ACCOUNT = "123456789012"
REGION = "eu-central-1"
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _short_form(loader: yaml.Loader, tag: str, node: yaml.Node) -> dict:
    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {name: value.split(".", 1) if tag == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)


@dataclass(frozen=True)
class Grant:
    """One action that one role may do on resources of one pattern."""

    role: str
    action: str
    resource: str
    condition: str = ""
    # The policy with this grant: a role's own, or one that several roles share.
    policy: str = ""


def load(path: Path) -> dict:
    """The template, with short forms expanded."""
    return yaml.load(path.read_text(), _Loader)  # noqa: S506: a SafeLoader


class Resolver:
    """Resolves the template's references to the names of one environment."""

    def __init__(self, template: dict, environment: str, **parameters: str) -> None:
        self.resources = template["Resources"]
        self.conditions = template.get("Conditions", {})
        self.parameters = {
            name: str(parameter.get("Default", "")) for name, parameter in template["Parameters"].items()
        }
        self.parameters["Environment"] = environment
        # The six characters that Secrets Manager adds are not known in advance.
        self.parameters["SecretArn"] = (
            f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:best-shot/{environment}-??????"
        )
        self.parameters["EventBusArn"] = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/best-shot-{environment}"
        self.parameters |= parameters

    def text(self, value: object) -> str:
        """A string, with references resolved."""
        if isinstance(value, str):
            return value
        (function, argument), = value.items()
        if function == "Ref":
            return self._ref(argument)
        if function == "Fn::GetAtt":
            return self._attribute(*argument)
        if function == "Fn::If":
            condition, if_true, if_false = argument
            return self.text(if_true if self._holds(self.conditions[condition]) else if_false)
        if function == "Fn::Sub":
            return re.sub(r"\$\{([^}]+)\}", lambda m: self._sub(m.group(1)), argument)
        raise ValueError(f"the policy check does not know {function}: add it")

    def _holds(self, condition: dict) -> bool:
        """Whether a condition of the template holds, with these parameters."""
        (function, argument), = condition.items()
        if function == "Fn::Not":
            return not self._holds(argument[0])
        if function == "Fn::Equals":
            one, other = (self.text(value) if isinstance(value, dict) else str(value) for value in argument)
            return one == other
        raise ValueError(f"the policy check does not know {function}: add it")

    def _sub(self, name: str) -> str:
        return self._attribute(*name.split(".", 1)) if "." in name else self._ref(name)

    def _ref(self, name: str) -> str:
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        return self._name(name)

    def _name(self, resource: str) -> str:
        properties = self.resources[resource].get("Properties", {})
        for key in ("FunctionName", "QueueName", "TopicName", "LogGroupName", "Name", "BucketName"):
            if key in properties:
                return self.text(properties[key])
        if self.resources[resource]["Type"] == "AWS::S3::Bucket":
            # Named by CloudFormation; the local stack calls it as the schedule group.
            return f"best-shot-{self.parameters['Environment']}"
        return resource

    def _attribute(self, resource: str, attribute: str) -> str:
        kind = self.resources[resource]["Type"]
        if attribute != "Arn":
            return self._name(resource)
        name = self._name(resource)
        return {
            "AWS::S3::Bucket": f"arn:aws:s3:::{name}",
            "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
            "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{name}",
            "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*",
            "AWS::Serverless::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
            "AWS::Scheduler::ScheduleGroup": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/{name}",
        }[kind]


def _list(value: object) -> list:
    return value if isinstance(value, list) else [value]


def _statements(document: dict) -> list[dict]:
    """The statements, including those under a condition."""
    found = []
    for statement in _list(document["Statement"]):
        if "Fn::If" in statement:
            branches = statement["Fn::If"][1:]
            found += [branch for branch in branches if "Effect" in branch]
        else:
            found.append(statement)
    return found


def grants(template: dict, environment: str = "demo", **parameters: str) -> dict[str, list[Grant]]:
    """What each role may do: by the logical id of the role, without the word Role. The template's other parameters have
    their defaults, but for those that are given."""
    resolver = Resolver(template, environment, **parameters)
    resources = template["Resources"]
    result: dict[str, list[Grant]] = {}
    for name, resource in resources.items():
        if resource["Type"] == "AWS::Serverless::Function":
            # SAM would create a role for a function without one, and add policies to it.
            if "Policies" in resource["Properties"] or "Role" not in resource["Properties"]:
                raise ValueError(f"{name} must name its role, which must contain its policies")
        if resource["Type"] != "AWS::IAM::Role":
            continue
        properties = resource["Properties"]
        documents = [(name, policy["PolicyDocument"]) for policy in properties.get("Policies", [])]
        for managed in properties.get("ManagedPolicyArns", []):
            # An AWS-managed policy would grant permissions that were not reviewed here.
            documents.append((managed["Ref"], resources[managed["Ref"]]["Properties"]["PolicyDocument"]))
        owner = name.removesuffix("Role")
        result[owner] = [
            Grant(owner, action, resolver.text(pattern), str(statement.get("Condition", "")), policy)
            for policy, document in documents
            for statement in _statements(document)
            if statement["Effect"] == "Allow"
            for action in _list(statement["Action"])
            for pattern in _list(statement["Resource"])
        ]
    return result
