# The long-lived consumer: the bundle that is tested, on Node alone. After `npm run build`, or in the installed package:
#   docker build --platform linux/arm64 -t consumer .
FROM node:24.21.0-slim
WORKDIR /app
COPY dist/consumer-service/ ./
USER node
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps HOST=0.0.0.0 PORT=8080
EXPOSE 8080
# ECS does not look at this one; infra/container-service.ts says the same in its way.
HEALTHCHECK --interval=15s --start-period=5m --retries=3 CMD ["node", "-e", "fetch('http://127.0.0.1:8080/ready').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
# Node itself, not npm or a shell, so that SIGTERM reaches it: it drains and ends by itself.
CMD ["node", "index.mjs"]
