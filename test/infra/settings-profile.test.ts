import { Match, type Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseRuntimeSettings } from '../../lib/runtime-settings.ts';
import { parseCleanerSettings, parseProducerSettings } from '../../lib/settings.ts';
import { allowedTo, resource, templateOf, templateWith } from './template.ts';

let template: Template;
beforeAll(() => {
  template = templateOf({ settings: parseRuntimeSettings('{"messagesPerCommitMax":5}') });
});

describe('settings that change at run time', () => {
  it('are checked by the rules of the library before they go out', () => {
    const profile = resource(template, 'AWS::AppConfig::ConfigurationProfile', 'Settings')['Properties'] as {
      Validators: { Type: string; Content: string }[];
    };
    expect(profile.Validators.map(({ Type }) => Type)).toEqual(['JSON_SCHEMA']);
    expect(JSON.parse(profile.Validators[0]?.Content ?? '')).toEqual({
      $schema: 'http://json-schema.org/draft-04/schema#',
      type: 'object',
      properties: {
        isPaused: { default: false, type: 'boolean' },
        isCleaning: { default: true, type: 'boolean' },
        messagesPerCommitMax: { default: 10, type: 'integer', minimum: 1, maximum: 10 },
        logLevel: { default: 'info', type: 'string', enum: ['info', 'warn', 'error'] },
      },
      additionalProperties: false,
    });
    template.hasResourceProperties('AWS::AppConfig::HostedConfigurationVersion', {
      ContentType: 'application/json',
      Content: '{"isPaused":false,"isCleaning":true,"messagesPerCommitMax":5,"logLevel":"info"}',
    });
  });

  it('go out in two steps and are taken back by alarms', () => {
    template.hasResourceProperties('AWS::AppConfig::DeploymentStrategy', {
      DeploymentDurationInMinutes: 2,
      GrowthFactor: 50,
      FinalBakeTimeInMinutes: 5,
    });
    template.hasResourceProperties('AWS::AppConfig::Environment', {
      Monitors: ['MessagesFail', 'SettingsRefused'].map((name) => ({
        AlarmArn: { 'Fn::GetAtt': [Match.stringLikeRegexp(`Alarms${name}`), 'Arn'] },
        AlarmRoleArn: Match.anyValue(),
      })),
    });
    template.resourceCountIs('AWS::AppConfig::Deployment', 1);
  });

  it.each(['Producer', 'Purger', 'Snapshotter', 'Cleaner'])('may be read by the %s', (name) => {
    const statements = allowedTo(template, `${name}Role`).filter(({ actions }) =>
      actions.some((action) => action.startsWith('appconfig:')),
    );
    expect(statements.map(({ actions }) => actions)).toEqual([
      ['appconfig:GetLatestConfiguration', 'appconfig:StartConfigurationSession'],
    ]);
    expect(statements[0]?.resources).toMatch(/environment\/.*\/configuration\//);
  });

  it('are named to those who will start with them', () => {
    const environmentOf = (id: string): Record<string, string> => {
      const { Properties } = resource(template, 'AWS::Lambda::Function', `${id}Function`) as {
        Properties: { Environment: { Variables: Record<string, unknown> } };
      };
      const texts = Object.entries(Properties.Environment.Variables).map(([key, value]) => [
        key,
        typeof value === 'string' ? value : key === 'HOLLOW_RUNTIME_SETTINGS' ? joined(value) : 'deployed',
      ]);
      return Object.fromEntries(texts);
    };
    const joined = (value: unknown): string => {
      const [separator, parts] = (value as { 'Fn::Join': [string, unknown[]] })['Fn::Join'];
      return parts.map((part) => (typeof part === 'string' ? part : 'id')).join(separator);
    };
    const place = { application: 'id', environment: 'id', profile: 'id' };
    expect(parseProducerSettings(environmentOf('Producer')).runtimeSettings).toEqual(place);
    expect(parseCleanerSettings(environmentOf('Cleaner')).runtimeSettings).toEqual(place);
  });

  it('are refused at synthesis with field and reason', () => {
    expect(() => templateWith(() => ({ settings: { messagesPerCommitMax: 0 } }))).toThrow(
      'messagesPerCommitMax: ',
    );
  });

  it('are not there unless asked for', () => {
    const without = templateOf();
    without.resourceCountIs('AWS::AppConfig::Application', 0);
    expect(JSON.stringify(without.toJSON())).not.toContain('HOLLOW_RUNTIME_SETTINGS');
  });
});
