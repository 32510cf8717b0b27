"""The actors of intercomd: plain classes hosted by the supervision kit or by the simulator."""
